"""Writes ``precompiled_charsmap``, SentencePiece's normalization table, from a dictionary.

The table is a double array as of darts-clone, then the replacements. Ours wastes space: every node of the
trie has 256 places of its own.
"""

import base64
import struct


def charsmap(replacements: dict[str, str]) -> bytes:
    """Return the table that replaces each key by its value."""
    texts = b""
    values = {}
    for key, value in replacements.items():
        values[key.encode()] = len(texts)
        texts += value.encode() + b"\0"
    nodes = {key[:length] for key in values for length in range(len(key) + 1)}
    base = {node: 256 * number for number, node in enumerate(sorted(nodes), 1)}
    units = [0] * (256 * (len(nodes) + 1))
    for node in nodes:
        place = base[node[:-1]] ^ node[-1] if node else 0
        offset = place ^ base[node]
        assert offset < 1 << 21
        units[place] = (node[-1] if node else 0) | offset << 10
        if node in values:
            units[place] |= 1 << 8
            units[base[node]] = values[node] | 1 << 31
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + texts


def charsmap_field(replacements: dict[str, str]) -> str:
    """Return the table as ``tokenizer.json`` spells it."""
    return base64.b64encode(charsmap(replacements)).decode()

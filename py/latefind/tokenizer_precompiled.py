"""The ``Precompiled`` normalizer: SentencePiece's normalization table, as ``tokenizers`` applies it.

The table (``precompiled_charsmap``, base64) is little-endian::

    size of the trie in bytes, u32 ─ the trie, u32 each ─ replacements, UTF-8, each ended by a zero byte

The trie is a double array as of darts-clone: it maps the bytes of a character, or of several, to where the
replacement begins. SentencePiece itself replaces the longest match; the library does something else, which
is what models were trained or at least evaluated with, and what this reproduces:

- it goes from grapheme cluster to grapheme cluster. A cluster of less than six bytes that begins with a key
  is replaced whole, by the replacement of the *shortest* such key: "ﬁ" with an acute accent becomes "fi";
- other clusters are replaced character by character;
- when a replacement is shorter than what it replaces, the last character written so far takes the place of
  what is dropped. At the beginning of a text nothing is written yet, so all offsets behind slip to the left.

Imports the standard library and ``latefind`` only.
"""

import base64
import binascii
import struct

from latefind.errors import TokenizerError
from latefind.tokenizer_fields import Fields
from latefind.tokenizer_graphemes import clusters, has_clusters
from latefind.tokenizer_text import AlignedText

WHOLE_CLUSTER_BYTES = 6
"""Clusters of fewer bytes are looked up whole."""

_EXPORT_AGAIN = "Export the model again."


class Charsmap:
    """A normalization table."""

    def __init__(self, data: bytes, where: str) -> None:
        self._where = where
        size = struct.unpack_from("<I", data)[0] // 4 if len(data) >= 4 else 0
        if not 0 < size <= (len(data) - 4) // 4:
            raise TokenizerError.expected(
                where, "a trie of at least one unit", f"{len(data)} bytes for {size} units", _EXPORT_AGAIN
            )
        self._units: tuple[int, ...] = struct.unpack_from(f"<{size}I", data, 4)
        self._texts = data[4 + 4 * size :]
        self._check_utf8(self._texts)

    def find(self, text: str) -> str | None:
        """Return the replacement of the shortest key that ``text`` begins with, or None."""
        units = self._units
        try:
            node = _jump(units[0])
            for byte in text.encode():
                if byte == 0:
                    return None
                node ^= byte
                unit = units[node]
                # The highest bit marks replacements, which have no label.
                if unit & 0x800000FF != byte:
                    return None
                node ^= _jump(unit)
                if unit & 0x100:
                    return self._replacement(units[node] & 0x7FFFFFFF)
        except IndexError:
            raise TokenizerError.expected(
                self._where, f"a trie of {len(units)} units", "a jump out of it", _EXPORT_AGAIN
            ) from None
        return None

    def _replacement(self, start: int) -> str:
        if start > len(self._texts):
            raise TokenizerError.expected(
                self._where, f"{len(self._texts)} bytes of replacements", f"one at {start}", _EXPORT_AGAIN
            )
        end = self._texts.find(0, start)
        return self._check_utf8(self._texts[start : None if end < 0 else end])

    def _check_utf8(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise TokenizerError.expected(
                self._where, "replacements in UTF-8", str(error), _EXPORT_AGAIN
            ) from None


def _jump(unit: int) -> int:
    """Return where the children of a node are, relative to the node."""
    return (unit >> 10) << ((unit & 0x200) >> 6)


class _Found(dict[str, str | None]):
    """A character's replacement, or None, worked out once per distinct character."""

    def __init__(self, charsmap: Charsmap) -> None:
        super().__init__()
        self._charsmap = charsmap

    def __missing__(self, character: str) -> str | None:
        found = self[character] = self._charsmap.find(character)
        return found


class Precompiled:
    """Applies a normalization table."""

    def __init__(self, charsmap: Charsmap) -> None:
        self._charsmap = charsmap
        self._characters = _Found(charsmap)

    @classmethod
    def from_fields(cls, fields: Fields) -> "Precompiled":
        """Read ``precompiled_charsmap``."""
        try:
            data = base64.b64decode(fields.text("precompiled_charsmap"), validate=True)
        except (binascii.Error, ValueError):
            fields.fail("precompiled_charsmap", "base64", _EXPORT_AGAIN)
        return cls(Charsmap(data, f"{fields.where}: precompiled_charsmap"))

    def normalize(self, text: AlignedText) -> AlignedText:
        """Return the text with what is in the table replaced."""
        distinct = set(text.text)
        clustered = has_clusters(distinct)
        if not clustered and all(self._characters[character] is None for character in distinct):
            return text
        changes: list[tuple[str, int]] = []
        for cluster in clusters(text.text) if clustered else text.text:
            if len(cluster) > 1 and len(cluster.encode()) < WHOLE_CLUSTER_BYTES:
                replacement = self._charsmap.find(cluster)
                if replacement is not None:
                    _replace(changes, len(cluster), replacement)
                    continue
            for character in cluster:
                replacement = self._characters[character]
                if replacement is None:
                    changes.append((character, 0))
                else:
                    _replace(changes, 1, replacement)
        return text.rebuilt(changes)


def _replace(changes: list[tuple[str, int]], replaced: int, replacement: str) -> None:
    """Add to ``changes`` that ``replacement`` stands for the next ``replaced`` characters.

    See :meth:`~latefind.tokenizer_text.AlignedText.rebuilt` for what the numbers mean.
    """
    changes += [(character, int(index >= replaced)) for index, character in enumerate(replacement)]
    dropped = replaced - len(replacement)
    if dropped > 0 and changes:
        character, change = changes[-1]
        changes[-1] = character, change - dropped

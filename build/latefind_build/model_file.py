"""The encoder's file as visitors download it: the ONNX graph in gzip.

Few hosts compress what they do not know the type of, and the weights of the model that ships compress to a
third. So the file is packed when the site is built, a visitor downloads the same bytes from every host, and
the worker unpacks them. Natively, files that are not packed are read too, as sites of older versions have
them.
"""

import struct
import zlib

from latefind.errors import FormatError

NAME = "model/encoder.bin"
"""Below the bundle. No ``.gz``: some hosts declare that as an encoding, and browsers would unpack it."""

MAGIC = b"\x1f\x8b"
"""The first bytes of gzip; no ONNX file begins so."""

HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
"""Of RFC 1952: deflate, no name, no time, no system."""

LAST_BLOCK = b"\x03\x00"
"""Of RFC 1951: empty."""

PIECE = 2**16
GZIP = zlib.MAX_WBITS | 16
LARGEST = 2**31
"""Bytes unpacked: ONNX keeps no more in one file."""


def pack_model(graph: bytes) -> bytes:
    """Return ``graph`` in gzip, the same for the same zlib.

    Weights repeat no runs of bytes, and looking for runs makes int3 an eighth longer: there each byte gets a
    code by how often it occurs, and that is all. The names of the nodes repeat, and so do rows of zeros. So
    each piece is packed in the way that suits it, which a quick try tells.
    """
    pieces = (graph[start : start + PIECE] for start in range(0, len(graph), PIECE))
    body = b"".join(map(_pack, pieces)) + LAST_BLOCK
    return HEADER + body + struct.pack("<II", zlib.crc32(graph), len(graph) & 0xFFFFFFFF)


def _pack(piece: bytes) -> bytes:
    coded = _deflate(piece, 9, zlib.Z_HUFFMAN_ONLY)
    if len(_deflate(piece, 1, zlib.Z_DEFAULT_STRATEGY)) >= len(coded):
        return coded
    return min(coded, _deflate(piece, 9, zlib.Z_DEFAULT_STRATEGY), key=len)


def _deflate(piece: bytes, level: int, strategy: int) -> bytes:
    """Return blocks that end at a byte and refer to nothing before them."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
    return packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)


def unpack_model(stored: bytes, where: str) -> bytes:
    """Return the ONNX graph of an encoder's file, packed or not.

    Raises
    ------
    FormatError
        It is damaged.
    """
    if not stored.startswith(MAGIC):
        return stored
    unpacker = zlib.decompressobj(GZIP)
    try:
        graph = unpacker.decompress(stored, LARGEST)
    except zlib.error as error:
        raise FormatError.expected(where, "a gzip file", str(error), "Build the index again.") from error
    if not unpacker.eof or unpacker.unused_data:
        raise FormatError.expected(where, "one whole gzip member", "less or more", "Build the index again.")
    return graph

"""The encoder's file as visitors download it: the ONNX graph in gzip.

Few hosts compress what they do not know the type of, and the weights of the model that ships compress to a
third. So the file is packed when the site is built, a visitor downloads the same bytes from every host, and
the worker unpacks them. Natively, files that are not packed are read too, as sites of older versions have
them.
"""

import zlib

from latefind.errors import FormatError

NAME = "model/encoder.bin"
"""Below the bundle. No ``.gz``: some hosts declare that as an encoding, and browsers would unpack it."""

MAGIC = b"\x1f\x8b"
"""The first bytes of gzip; no ONNX file begins so."""

GZIP = zlib.MAX_WBITS | 16
LARGEST = 2**31
"""Bytes unpacked: ONNX keeps no more in one file."""


def pack_model(graph: bytes) -> bytes:
    """Return ``graph`` in gzip, the same for the same zlib.

    Weights repeat no runs of bytes, so each byte gets a code by how often it occurs, and that is all: looking
    for runs takes forty times as long and makes int3 an eighth longer.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, GZIP, zlib.DEF_MEM_LEVEL, zlib.Z_HUFFMAN_ONLY)
    return packer.compress(graph) + packer.flush()


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

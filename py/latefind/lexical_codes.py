"""Numbers and keys as the word index stores them: varints (LEB128) and front coding, both ways.

See ``docs/lexical-format.md``; :mod:`latefind.lexical_format` puts them into files.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from latefind.errors import FormatError

VARINT_BYTES = 5
"""Bytes of the longest varint: 32 bits."""


def encode_varints(values: npt.NDArray[np.int64]) -> bytes:
    """Return LEB128 of non-negative ``values`` below 2³²."""
    sizes = np.ones(len(values), np.int64)
    for byte in range(1, VARINT_BYTES):
        sizes += values >= 1 << 7 * byte
    out = np.zeros(int(sizes.sum()), np.uint8)
    starts = np.cumsum(sizes) - sizes
    for byte in range(VARINT_BYTES):
        having = sizes > byte
        low = values[having] >> 7 * byte & 127
        out[starts[having] + byte] = low | np.where(sizes[having] > byte + 1, 128, 0)
    return out.tobytes()


def decode_varints(data: bytes, count: int, where: str) -> npt.NDArray[np.int64]:
    """Return exactly ``count`` values that take up all of ``data``."""
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw < 128)
    if len(ends) != count or (len(raw) and raw[-1] >= 128):
        raise FormatError.expected(where, f"{count} numbers", str(len(ends)))
    if not count:
        return np.zeros(0, np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    places = np.arange(len(raw)) - np.repeat(starts, ends - starts + 1)
    if int(places.max()) >= VARINT_BYTES:
        raise FormatError.expected(where, "numbers of 32 bits", "longer ones")
    values = np.add.reduceat((raw & 127).astype(np.int64) << 7 * places, starts)
    if int(values.max()) >= 2**32:
        raise FormatError.expected(where, "numbers of 32 bits", "larger ones")
    return values


def front_code(keys: Sequence[str]) -> bytes:
    """Return keys, each as what it shares with the one before, in bytes, and the rest."""
    out = bytearray()
    last = b""
    for key in keys:
        name = key.encode("utf-8")
        shared = 0
        for a, b in zip(last, name, strict=False):
            if a != b:
                break
            shared += 1
        out += _varint(shared) + _varint(len(name) - shared) + name[shared:]
        last = name
    return bytes(out)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_keys(data: bytes, count: int, where: str) -> list[bytes]:
    """Return exactly ``count`` front-coded keys that take up all of ``data``, undecoded."""
    keys: list[bytes] = []
    last = b""
    at = 0
    try:
        while at < len(data) and len(keys) < count:
            shared, at = _read_varint(data, at)
            size, at = _read_varint(data, at)
            if shared > len(last) or at + size > len(data):
                raise IndexError
            last = last[:shared] + data[at : at + size]
            keys.append(last)
            at += size
    except IndexError as error:
        raise FormatError.expected(where, "front-coded keys", f"others at byte {at}") from error
    if len(keys) != count or at != len(data):
        raise FormatError.expected(where, f"{count} keys", str(len(keys)))
    return keys


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift >= 7 * VARINT_BYTES:
            raise IndexError


def decode_keys(keys: Sequence[bytes], where: str) -> list[str]:
    """Return keys as strings."""
    try:
        return [key.decode("utf-8") for key in keys]
    except UnicodeDecodeError as error:
        raise FormatError.expected(where, "keys in UTF-8", str(error)) from error

"""The encoder's file as visitors download it."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latefind.errors import FormatError
from latefind_build.model_file import PIECE, pack_model, unpack_model


@given(st.binary(max_size=2000))
def test_packed_graph_comes_back(graph: bytes) -> None:
    packed = pack_model(graph)
    assert unpack_model(packed, "x") == graph
    assert zlib.decompress(packed, zlib.MAX_WBITS | 16) == graph
    assert packed == pack_model(graph)


def test_pieces_are_packed_in_the_way_that_suits_them() -> None:
    random = np.random.default_rng(3)
    weights = np.rint(random.normal(0, 2, 2 * PIECE)).astype(np.int8).tobytes()
    names = b"".join(b"/encoder/layer.%d/attention/MatMul" % (number % 6) for number in range(8_000))
    plain = len(zlib.compress(weights, 9))
    assert len(pack_model(weights)) < 0.95 * plain
    assert len(pack_model(names)) < 0.05 * len(names)
    assert unpack_model(pack_model(weights + names), "x") == weights + names


def test_graph_that_is_not_packed_is_read_too() -> None:
    assert unpack_model(b"\x08\x08\x12\x07pytorch", "x") == b"\x08\x08\x12\x07pytorch"


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data + b"\0", lambda data: data[:20] * 9]
)
def test_damaged_file_is_refused(damage: object) -> None:
    with pytest.raises(FormatError, match=r"model/encoder\.bin: expected .*gzip"):
        unpack_model(damage(pack_model(bytes(range(256)) * 9)), "model/encoder.bin")  # type: ignore[operator]

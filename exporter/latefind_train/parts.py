"""A run's checkpoints between its parts: weights in half precision, in files that can be carried.

::

    part.json        step, name of the run, SHA-256 of the weights, how many files
    weights-0.bin …  one safetensors file in fp16, cut into pieces

The optimizer's state is three times as large and stays where the part ran (``state.pt``, beside them, is read
where it still lies). Without it a part begins with a short warm-up, in which the moments are found again.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from latefind.errors import InputError, IntegrityError

PIECE = 15 * 2**20
"""Bytes of a file; 16 MiB is what may be carried."""

META = "part.json"


@dataclass(frozen=True)
class Part:
    """Where a run stands after a part."""

    run: str
    step: int
    sha256: str
    pieces: int


def save_part(
    folder: Path, run: str, step: int, weights: Mapping[str, npt.NDArray[np.generic]], piece: int = PIECE
) -> Part:
    """Write the weights in fp16, and what they are."""
    from safetensors.numpy import save

    data = save({name: np.ascontiguousarray(array, np.float16) for name, array in sorted(weights.items())})
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("weights-*.bin"):
        path.unlink()
    pieces = -(-len(data) // piece)
    for number in range(pieces):
        (folder / f"weights-{number}.bin").write_bytes(data[number * piece : (number + 1) * piece])
    part = Part(run, step, hashlib.sha256(data).hexdigest(), pieces)
    # Last, so that a part that was cut short is not taken for a whole one.
    (folder / META).write_text(json.dumps(asdict(part), indent=1) + "\n", "utf-8")
    return part


def load_part(folder: Path) -> tuple[Part, dict[str, npt.NDArray[np.float32]]]:
    """Read a part and its weights in float32.

    Raises
    ------
    InputError
        There is no part in the folder.
    IntegrityError
        A file is missing or damaged.
    """
    from safetensors.numpy import load

    if not (folder / META).is_file():
        raise InputError.expected(folder, f"a part, with {META}", "none", "Leave --resume out to start anew.")
    part = Part(**json.loads((folder / META).read_text("utf-8")))
    paths = [folder / f"weights-{number}.bin" for number in range(part.pieces)]
    data = b"".join(path.read_bytes() for path in paths if path.is_file())
    found = hashlib.sha256(data).hexdigest()
    if found != part.sha256:
        raise IntegrityError.expected(
            folder, f"weights of SHA-256 {part.sha256}", found, "Copy all of the part's files again."
        )
    return part, {name: array.astype(np.float32) for name, array in load(data).items()}

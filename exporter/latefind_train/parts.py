"""A run's checkpoints between its parts: weights in half precision, in files that can be carried.

::

    part.json        step, name of the run, SHA-256 of the weights, how many files
    weights-0.bin …  one safetensors file in fp16, cut into pieces

The optimizer's state is four times as large and stays where the part ran (``state.pt``, beside them, is read
where it still lies). Without it a part begins with a short warm-up, in which the moments are found again.

``python -m latefind_train.parts pack CHECKPOINT DIR`` does the same to the model that training starts from,
and ``… unpack DIR CHECKPOINT`` makes a checkpoint of it again; ``… average DIR DIR OUTPUT`` makes the mean of
parts.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from latefind.errors import InputError, IntegrityError, LatefindError

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


def average(folders: Sequence[Path], output: Path) -> Part:
    """Write the mean of parts that began from the same weights, as a part of the first one's run and step.

    Runs of the same start that differ in their seeds end in the same basin, and their mean is mostly better
    than each (Wortsman et al., "Model soups", 2022).

    Raises
    ------
    InputError
        The parts have other weights than the first, by name or shape.
    """
    part, total = load_part(folders[0])
    for folder in folders[1:]:
        _, weights = load_part(folder)
        shapes = {name: array.shape for name, array in weights.items()}
        if shapes != {name: array.shape for name, array in total.items()}:
            raise InputError.expected(
                folder, f"the same weights as in {folders[0]}", "others", "Average parts of one start."
            )
        total = {name: total[name] + array for name, array in weights.items()}
    means = {name: array / np.float32(len(folders)) for name, array in total.items()}
    return save_part(output, part.run, part.step, means)


BESIDE = ("config.json", "tokenizer.json", "tokenizer_config.json")
"""What a transformer's folder needs beside its weights."""


def pack(checkpoint: Path, folder: Path) -> Part:
    """Write the transformer of ``checkpoint`` as a part, with its configuration and tokenizer."""
    from safetensors.numpy import load_file

    weights = load_file(checkpoint / "model.safetensors")
    weights = {name: array for name, array in weights.items() if not name.startswith("pooler.")}
    weights.pop("embeddings.position_ids", None)
    part = save_part(folder, checkpoint.name, 0, weights)
    for name in BESIDE:
        shutil.copy(checkpoint / name, folder)
    return part


def unpack(folder: Path, checkpoint: Path) -> None:
    """Make a transformer's folder of what :func:`pack` wrote."""
    from safetensors.numpy import save_file

    _, weights = load_part(folder)
    checkpoint.mkdir(parents=True, exist_ok=True)
    save_file(weights, checkpoint / "model.safetensors", {"format": "pt"})
    for name in BESIDE:
        shutil.copy(folder / name, checkpoint)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m latefind_train.parts", description="Pack a checkpoint.")
    parser.add_argument("action", choices=("pack", "unpack", "average"))
    parser.add_argument("source", type=Path, nargs="+")
    parser.add_argument("target", type=Path)
    options = parser.parse_args(arguments)
    try:
        if options.action == "average":
            average(options.source, options.target)
        elif len(options.source) == 1:
            (pack if options.action == "pack" else unpack)(options.source[0], options.target)
        else:
            parser.error(f"{options.action} takes one source, not {len(options.source)}")
    except LatefindError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

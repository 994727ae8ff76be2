"""A run, from a TOML file: every number that decides the result is in it, and unknown keys are refused."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from latefind.errors import UsageError

TASKS = ("pairs", "qa", "cloze", "parallel", "crossed")
FORMS = ("question", "keywords", "typo", "umlaut")


@dataclass(frozen=True)
class Steps:
    """How long, how fast. ``seconds`` ends a part; the next one goes on from there."""

    total: int = 12_000
    batch: int = 256
    rate: float = 8e-5
    head_rate: float = 4.0  # times `rate`
    embedding_rate: float = 1.0  # the same of word embeddings, where new pieces have to find their place
    warmup: int = 300
    rewarm: int = 50  # after a part that left no optimizer state
    decay: float = 0.01  # weight decay
    dropout: float = 0.0  # noise that the student's token similarities would have and its teacher's have not
    seconds: int = 440
    eval_every: int = 1500
    dev_queries: int = 100  # of each dev task, and documents: all of them take half a minute on a GPU
    dev_documents: int = 600
    log_every: int = 50
    bf16: bool = True
    rounded: str = ""  # scheme of the exporter whose grid the weights are on, as in "int3"
    workers: int = 8


@dataclass(frozen=True)
class Data:
    """Which text, and how it is drawn."""

    shards: tuple[str, ...] = ("shard-0.xz",)
    balance: float = 0.5  # a source and language of n rows counts for n ** balance
    mixed: float = 0.5  # of the batches have all languages, the others one
    near: float = 0.0  # of those in one language are of one source, where wrong is like right
    query_length: int = 48
    document_length: int = 192
    joined: float = 0.1  # of the passages get a neighbour
    sentence_stays: float = 0.1  # of the cloze passages keep the sentence that is asked for
    negatives: str = ""  # file that latefind_train.mine wrote
    umlauts: str = "words.xz"


@dataclass(frozen=True)
class Losses:
    """Weights of the parts of the loss, and what they compare by."""

    contrastive: float = 0.3
    order: float = 1.0
    matrix: float = 30.0
    matrix_wrong: float = 0.5  # weight of the same with a wrong document, beside that with the right one
    cross: float = 0.3
    cross_order: float = 1.0
    cross_pooled: float = 1.0
    temperature: float = 0.02
    teacher_temperature: float = 0.02
    margin: float = 0.95  # of the teacher's score, from which on a wrong document may be right
    foreign: float = 1.0  # times `order` where the text is not English
    foreign_matrix: float = 1.0  # times `matrix` there
    foreign_margin: float = 0.95  # `margin` there: from 2 on next to nothing is forgiven
    shipped: float = 0.0  # of the steps score pooled and quantised documents
    widths: tuple[int, ...] = ()  # prefixes of the embedding that must rank too, as in (96, 64)


@dataclass(frozen=True)
class Run:
    """A run's configuration."""

    name: str
    seed: int = 1
    mix: Mapping[str, float] = field(default_factory=lambda: {"pairs": 0.5, "cloze": 0.2, "parallel": 0.3})
    forms: Mapping[str, float] = field(default_factory=dict)
    steps: Steps = field(default_factory=Steps)
    data: Data = field(default_factory=Data)
    losses: Losses = field(default_factory=Losses)


def read_config(path: Path) -> Run:
    """Read a run.

    Raises
    ------
    UsageError
        The file is missing or no TOML, or has a key or a value that means nothing.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError.expected(path, "a TOML file", str(error)) from error
    sections: Mapping[str, type[Any]] = {"steps": Steps, "data": Data, "losses": Losses}
    values: dict[str, Any] = {}
    known = {entry.name for entry in fields(Run)}
    for key, value in content.items():
        if key not in known:
            raise UsageError.expected(f"{path}: {key}", " or ".join(sorted(known)), "an unknown key")
        values[key] = _section(path, key, value, sections[key]) if key in sections else value
    if not isinstance(values.get("name"), str):
        raise UsageError.expected(f"{path}: name", "a text", repr(values.get("name")))
    _check_shares(path, "mix", values.get("mix", {}), TASKS)
    _check_shares(path, "forms", values.get("forms", {}), FORMS)
    return Run(**values)


def _section(path: Path, name: str, content: Any, kind: type[Any]) -> Any:
    if not isinstance(content, dict):
        raise UsageError.expected(f"{path}: {name}", f"a table, [{name}]", repr(content))
    types = {entry.name: type(entry.default) for entry in fields(kind)}
    values = {}
    for key, value in content.items():
        where = f"{path}: {name}.{key}"
        if key not in types:
            raise UsageError.expected(where, " or ".join(sorted(types)), "an unknown key")
        found = tuple(value) if isinstance(value, list) else value
        found = float(found) if types[key] is float and type(found) is int else found
        if type(found) is not types[key]:
            raise UsageError.expected(where, types[key].__name__, repr(value))
        values[key] = found
    return kind(**values)


def _check_shares(path: Path, name: str, shares: Any, known: tuple[str, ...]) -> None:
    if not isinstance(shares, dict):
        raise UsageError.expected(f"{path}: {name}", f"a table, [{name}]", repr(shares))
    for key, share in shares.items():
        if key not in known:
            raise UsageError.expected(f"{path}: {name}.{key}", " or ".join(known), "an unknown key")
        if not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise UsageError.expected(f"{path}: {name}.{key}", "a share from 0 to 1", repr(share))
    if sum(shares.values()) > 1.000_001:
        raise UsageError.expected(
            f"{path}: {name}", "shares of at most 1 together", str(sum(shares.values()))
        )

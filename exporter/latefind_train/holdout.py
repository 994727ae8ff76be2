"""The dev set of training: three sources that are kept back whole, in all languages, to choose by.

Nothing of the evaluation sets is in it. Per language there are the headings of these sources, the same as
questions made by rules, and their real questions; the documents are their passages and others of the
language. A further task per language asks with a translation for its English text.
"""

import json
import lzma
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from latefind_train.forms import as_question
from latefind_train.sources import Row

SOURCES = ("debian-installer-guide", "helm-docs", "opensource-guide")
"""They have sections in nearly all of the seven languages, and are like a product's documentation."""

DISTRACTORS = 1500
"""Passages of other sources, a language: with the held out ones alone nearly everything is found."""

QUERIES = 300
"""Of each task; more would take time and tell little."""


@dataclass
class Task:
    """Documents and queries by id, and the documents that answer each query."""

    documents: dict[str, str] = field(default_factory=dict)
    queries: dict[str, str] = field(default_factory=dict)
    relevant: dict[str, list[str]] = field(default_factory=dict)


def make_dev(held: Sequence[Row], others: Mapping[str, Sequence[Row]], seed: int) -> dict[str, Task]:
    """Return tasks by name: ``de`` asks for passages in German, ``de-en`` in German for English text.

    ``others`` are pairs of each language whose passages are distractors. They may be trained on: they are no
    answers.
    """
    rng = random.Random(seed)  # noqa: S311
    tasks: dict[str, Task] = defaultdict(Task)
    asked: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in held:
        if row.kind == "parallel":
            asked[f"{row.language}-en"].append((row.passage, row.query))
            continue
        asked[row.language].append((row.query, row.passage))
        if row.kind == "pairs":
            question = as_question(row.query.lower().split(), row.language, rng)
            if question is not None:
                asked[row.language].append((" ".join(map(str, question)), row.passage))
    for name, pairs in sorted(asked.items()):
        rng.shuffle(pairs)
        tasks[name] = _task(pairs, others.get(name, ()))
    return dict(tasks)


def _task(pairs: Sequence[tuple[str, str]], others: Sequence[Row]) -> Task:
    texts = list(dict.fromkeys([passage for _, passage in pairs] + [row.passage for row in others]))
    numbers = {text: f"d{number}" for number, text in enumerate(texts[: len(pairs) + DISTRACTORS])}
    task = Task({name: text for text, name in numbers.items()})
    names: dict[str, str] = {}
    for query, passage in pairs:
        if query not in names and len(names) >= QUERIES:
            continue
        name = names.setdefault(query, f"q{len(names)}")
        task.queries[name] = query
        task.relevant.setdefault(name, [])
        if numbers[passage] not in task.relevant[name]:
            task.relevant[name].append(numbers[passage])
    return task


def write_dev(path: Path, tasks: Mapping[str, Task]) -> int:
    """Write the tasks as JSON in xz and return its bytes."""
    text = json.dumps({name: asdict(task) for name, task in tasks.items()}, ensure_ascii=False)
    data = lzma.compress(text.encode())
    path.write_bytes(data)
    return len(data)


def read_dev(path: Path) -> dict[str, Task]:
    """Read what :func:`write_dev` wrote."""
    content = json.loads(lzma.decompress(path.read_bytes()))
    return {name: Task(**task) for name, task in content.items()}

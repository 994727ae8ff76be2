"""Passages and questions for the benchmark: real text as far as it goes, then copies of it.

Real text comes from a folder of sets in BEIR's format, or else from this repository's documentation. A record
is a window of a document that the model takes in one piece, so one record is one passage. A copy is a real
passage with its sentences in another order and vectors that are turned a little (:mod:`indexes`).
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from latefind.passages import Section
from latefind_build.bundle import ModelBundle
from latefind_build.windows import split_passages

REPOSITORY = Path(__file__).resolve().parents[2]
SEED = 20_260_101
MARGIN = 12
"""Tokens that a window leaves free, for the number that a copy's title gets."""


@dataclass(frozen=True)
class Texts:
    """Real passages in a fixed random order, real questions, and where both are from."""

    passages: Sequence[Section]
    questions: Sequence[str]
    source: str

    def take(self, count: int, real: int) -> list[Section]:
        """Return ``count`` passages, of which the first ``real`` (or all that there are) are real."""
        real = min(real, len(self.passages), count)
        return [*self.passages[:real], *(self._copy(number, real) for number in range(real, count))]

    def _copy(self, number: int, real: int) -> Section:
        original = self.passages[number % real]
        sentences = re.split(r"(?<=[.!?]) ", original.text)
        random.Random(number).shuffle(sentences)
        title = f"{original.title} {number // real}".strip()
        return Section(f"{original.id}~{number}", "", title, " ".join(sentences))


def default_folder() -> Path | None:
    """Return the sibling folder with evaluation sets, where there is one."""
    folder = REPOSITORY.parent / "shared" / "eval"
    return folder if folder.is_dir() else None


def load_texts(folder: Path | None, model: ModelBundle, questions: int) -> Texts:
    """Read every set in ``folder``, or the documentation where it is None."""
    documents = list(_read_sets(folder) if folder else _read_docs())
    random.Random(SEED).shuffle(documents)
    passages = list(_windows(documents, model))
    asked = _read_questions(folder) if folder else [section.title for section in documents if section.title]
    random.Random(SEED).shuffle(asked)
    return Texts(passages, asked[:questions], _describe(folder))


def _describe(folder: Path | None) -> str:
    if folder is None:
        return "this documentation"
    sets = sorted(path.parent.name for path in folder.glob("*/corpus.jsonl"))
    return f"{len(sets)} evaluation sets ({', '.join(sets)})"


def _read_sets(folder: Path) -> Iterator[Section]:
    for path in sorted(folder.glob("*/corpus.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            record = json.loads(line)
            name = f"{path.parent.name}/{record['_id']}"
            text = " ".join(record["text"].split())
            if text:
                yield Section(name, "", " ".join((record.get("title") or "").split()), text)


def _read_docs() -> Iterator[Section]:
    for path in sorted((REPOSITORY / "docs").glob("*.md")):
        for number, block in enumerate(re.split(r"(?m)^#+ ", path.read_text("utf-8"))[1:]):
            title, _, text = block.partition("\n")
            if text.strip():
                yield Section(f"{path.name}/{number}", "", title.strip(), " ".join(text.split()))


def _read_questions(folder: Path) -> list[str]:
    lines = [
        line
        for path in sorted(folder.glob("*/queries.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    return [json.loads(line)["text"] for line in lines]


def _windows(documents: Sequence[Section], model: ModelBundle) -> Iterator[Section]:
    tokenizer = Tokenizer.from_file(str(model.tokenizer))
    length = model.spec.document_length - MARGIN
    for document in documents:
        for number, passage in enumerate(split_passages(document, 0, tokenizer, length)):
            text = document.text[passage.start : passage.end].strip()
            yield Section(f"{document.id}#{number}", "", document.title, text)

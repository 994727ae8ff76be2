"""Rows to tensors: vary the query, cut both texts by the student's vocabulary and the teacher's, pad.

Names are what sentence-transformers' trainer expects of a data collator: of each column (``query``,
``document``, and ``negative`` where there is one) ``<column>_input_ids`` and so on, and ``label``, which has
the numbers of the texts (rows, columns - 1), so that a text is never wrong beside itself.
"""

import json
import lzma
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from latefind_train.config import Run
from latefind_train.crossed import Crossed
from latefind_train.forms import FORMS, transliterated
from latefind_train.pack import LANGUAGES, Texts
from latefind_train.plan import KIND_OF
from latefind_train.sources import Kind
from latefind_train.spans import Aligned, Aligner
from latefind_train.wordpiece import Word, WordPiece

SENTENCE_ENDS = frozenset(".?!")
FEWEST_SENTENCE = 4
"""Words of a sentence that can be asked for."""

UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
NONE = 2**32 - 1
"""In a file of hard negatives: there is none."""

Columns = dict[str, Any]


@dataclass(frozen=True)
class Prefixes:
    """How a student's texts are dressed: prefix ids, and the length that queries are padded to, if any."""

    query: int
    document: int
    expanded: int | None = None


@dataclass
class Collator:
    """The trainer's data collator; ``valid_label_columns`` is what its samplers ask for."""

    texts: Mapping[Kind, Texts]
    aligner: Aligner
    prefixes: Prefixes
    run: Run
    umlauts: Mapping[str, str] = field(default_factory=dict)
    negatives: npt.NDArray[np.uint32] | None = None
    crossed: Crossed | None = None
    valid_label_columns: Sequence[str] = ("label",)

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Columns:
        """Return the tensors of a batch; the same rows give the same batch."""
        task = rows[0]["dataset_name"]
        numbers = [int(row["row"]) for row in rows]
        rng = random.Random(repr((self.run.seed, task, numbers)))  # noqa: S311
        if task == "parallel":
            return {"dataset_name": task} | self._parallel(numbers, rng)
        if task == "crossed":
            return {"dataset_name": task} | self._crossed(numbers)
        texts = self.texts[KIND_OF[task]]
        words = self.aligner.teacher.words
        pairs = [self._pair(texts, number, task, rng) for number in numbers]
        columns = {"query": [query for query, _ in pairs], "document": [document for _, document in pairs]}
        labels = [[int(texts.arrays["text"][number])] for number in numbers]
        if task == "pairs" and self.negatives is not None:
            wrong = [self._negative(number, rng) for number in numbers]
            columns["negative"] = [words(texts.passage(number)) for number in wrong]
            labels = [
                [*own, int(texts.arrays["text"][number])] for own, number in zip(labels, wrong, strict=True)
            ]
        english = texts.arrays["language"][numbers] == LANGUAGES.index("en")
        known = {"dataset_name": task, "label": _tensor(labels), "query_english": _tensor(english)}
        return known | self._encode(columns)

    def _pair(
        self, texts: Texts, row: int, task: str, rng: random.Random
    ) -> tuple[Sequence[Word], Sequence[Word]]:
        words = self.aligner.teacher.words
        passage = words(texts.passage(row))
        if rng.random() < self.run.data.joined:
            passage = self._join(texts, row, passage, rng)
        if task == "cloze":
            found = split_cloze(passage, rng, self.run.data.sentence_stays)
            if found is not None:
                return found
        language = LANGUAGES[int(texts.arrays["language"][row])]
        return self.vary(words(texts.query(row)), language, rng), passage

    def _join(self, texts: Texts, row: int, passage: list[Word], rng: random.Random) -> list[Word]:
        """Put a neighbour's passage before or behind: where documents are long, answers lie anywhere."""
        other = row + rng.choice((-1, 1))
        block = texts.arrays["block"]
        if not 0 <= other < texts.rows or block[other] != block[row]:
            return passage
        added = self.aligner.teacher.words(texts.passage(other))
        return [*passage, *added] if other > row else [*added, *passage]

    def vary(self, words: list[Word], language: str, rng: random.Random) -> Sequence[Word]:
        """Return the query as it is, or in another form, by the run's shares."""
        at = rng.random()
        for name, share in self.run.forms.items():
            at -= share
            if at < 0:
                if name == "umlaut":
                    return (transliterated(words, self.umlauts) if language == "de" else None) or words
                return FORMS[name](words, language, rng) or words
        return words

    def _negative(self, row: int, rng: random.Random) -> int:
        assert self.negatives is not None
        own = [int(number) for number in self.negatives[row] if number != NONE]
        return rng.choice(own) if own else rng.randrange(len(self.negatives))

    def _parallel(self, numbers: Sequence[int], rng: random.Random) -> Columns:
        """Ask in one language and find in the other; the teacher sees English on both sides."""
        texts, words = self.texts["parallel"], self.aligner.teacher.words
        english = [words(texts.query(number)) for number in numbers]
        others = [words(texts.passage(number)) for number in numbers]
        query, document = (english, others) if rng.random() < 0.5 else (others, english)
        columns = self._translated({"query": query, "document": document}, english, english)
        return columns | {"label": _tensor([[int(texts.arrays["text"][number])] for number in numbers])}

    def _crossed(self, numbers: Sequence[int]) -> Columns:
        """Ask English passages for a sentence of theirs in another language."""
        assert self.crossed is not None
        words = self.aligner.teacher.words
        asked = [int(self.crossed.questions[number]) for number in numbers]
        found = [int(self.crossed.passages[number]) for number in numbers]
        parallel, pairs = self.texts["parallel"], self.texts["pairs"]
        passages = [words(pairs.passage(row)) for row in found]
        query = [words(parallel.passage(row)) for row in asked]
        columns = self._translated(
            {"query": query, "document": passages}, [words(parallel.query(row)) for row in asked], passages
        )
        return columns | {"label": _tensor([[int(pairs.arrays["text"][row])] for row in found])}

    def _translated(
        self,
        texts: Mapping[str, Sequence[Sequence[Word]]],
        query: Sequence[Sequence[Word]],
        document: Sequence[Sequence[Word]],
    ) -> Columns:
        """Return the student's columns of ``texts``, and the teacher's of its English."""
        columns = self._encode(texts)
        seen = self._encode({"query": query, "document": document})
        # The student's tokens are not the teacher's here, so spans would mean nothing.
        kept = {
            name: value for name, value in columns.items() if "span" not in name and "teacher" not in name
        }
        return kept | {name: value for name, value in seen.items() if "teacher" in name}

    def _encode(self, columns: Mapping[str, Sequence[Sequence[Word]]]) -> Columns:
        found: Columns = {}
        data = self.run.data
        for name, texts in columns.items():
            is_query = name == "query"
            longest = data.query_length if is_query else data.document_length
            aligned = [self.aligner.align(words, longest - 3) for words in texts]
            for key, value in self._tensors(aligned, is_query).items():
                found[f"{name}_{key}"] = value
            found[f"{name}_task"] = "query" if is_query else "document"
        return found

    def _tensors(self, texts: Sequence[Aligned], is_query: bool) -> Columns:
        student, teacher = self.aligner.student, self.aligner.teacher
        prefix = self.prefixes.query if is_query else self.prefixes.document
        ids = [[student.cls, prefix, *text.student, student.sep] for text in texts]
        theirs = [[teacher.cls, *text.teacher, teacher.sep] for text in texts]
        # [CLS] stands for [CLS], [SEP] for [SEP], and the prefix for nothing.
        starts = [[0, 0, *(n + 1 for n in text.starts), len(text.teacher) + 1] for text in texts]
        ends = [[1, 0, *(n + 1 for n in text.ends), len(text.teacher) + 2] for text in texts]
        expanded = self.prefixes.expanded if is_query else None
        width = max(max(map(len, ids)), expanded or 0)
        mask = _pad([[1] * len(row) for row in ids], width, 0)
        columns = {
            "input_ids": _pad(ids, width, student.mask if expanded else student.pad),
            "attention_mask": mask,
            "span_starts": _pad(starts, width, 0),
            "span_ends": _pad(ends, width, 0),
            "teacher_ids": _pad(theirs, max(map(len, theirs)), teacher.pad),
            "teacher_mask": _pad([[1] * len(row) for row in theirs], max(map(len, theirs)), 0),
        }
        if expanded:
            columns["query_expansion_positions"] = 1 - mask
        return columns


def split_cloze(
    passage: Sequence[Word], rng: random.Random, stays: float
) -> tuple[list[Word], list[Word]] | None:
    """Return a sentence of a passage and the rest of it; None where it has one sentence only.

    With the chance ``stays`` the sentence is left there, so that matching words stay worth something.
    """
    sentences: list[list[Word]] = [[]]
    for word in passage:
        sentences[-1].append(word)
        if word in SENTENCE_ENDS:
            sentences.append([])
    sentences = [sentence for sentence in sentences if sentence]
    long = [place for place, sentence in enumerate(sentences) if len(sentence) > FEWEST_SENTENCE]
    if len(sentences) < 2 or not long:
        return None
    place = rng.choice(long)
    rest = sentences if rng.random() < stays else sentences[:place] + sentences[place + 1 :]
    return sentences[place], [word for sentence in rest for word in sentence]


def read_umlauts(path: Path, vocabulary: WordPiece) -> dict[str, str]:
    """Return German words as the tokenizer sees them, and as they are typed without umlauts."""
    if not path.is_file():
        return {}
    words = json.loads(lzma.decompress(path.read_bytes())).get("de", {})
    found: dict[str, str] = {}
    for word in words:
        lower = word.lower()
        typed = lower.translate(UMLAUTS)
        if typed != lower and lower.isalpha():
            found.setdefault(vocabulary.tokenizer.normalizer.normalize_str(lower), typed)
    return found


def _pad(rows: Sequence[Sequence[int]], width: int, filler: int) -> Any:
    padded = np.full((len(rows), width), filler, np.int64)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return _tensor(padded)


def _tensor(values: Any) -> Any:
    import torch

    return torch.as_tensor(np.asarray(values, np.int64))

"""How the word index is cut into files: even sizes, bounded numbers, names by hash; cards, texts, vocabulary.

The files of postings are made in :mod:`latefind_build.lexical`; here is what they share with the others.
"""

import hashlib
import itertools
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from latefind.lexical_analysis import plain
from latefind.lexical_format import (
    GROUPS,
    KIND_CARDS,
    KIND_TEXTS,
    FileList,
    file_name,
    page_of,
    slug,
    write_json,
    write_words,
)
from latefind.passages import Section

HASH_DIGITS = 16
"""Hex digits of the SHA-256 in a file's name, and in the root."""

ROOT_CARD_BYTES, CARD_BYTES, MAX_CARD_FILES = 40_000, 16_000, 128
"""Cards of up to the first size, those of about 3,000 sections, are in the root and cost no request. Files of
more aim at the second size, and there are at most so many: ten results may lie in ten of them."""

SINGLE_TEXTS, TEXT_BYTES, MAX_TEXT_FILES = 80_000, 20_000, 1_024
"""Texts are one file up to about one and a half times the first size: ten results would lie in five of the
six files that it would be cut into. Files of more aim at the second, and there are at most so many."""

SINGLE_WORDS, WORD_BYTES, MAX_WORD_FILES = 96_000, 32_000, 64
"""The vocabulary is one file up to about the first size. Files of a larger one aim at the second, and there
are at most so many for each of the two orders."""

PACKED = 0.4
"""What gzip leaves of prose, about."""


@dataclass(frozen=True, slots=True)
class LexicalFiles:
    """A word index: the root, and the other files by name, to be placed beside it."""

    root: bytes
    others: Mapping[str, bytes]


@dataclass(slots=True)
class FileSet:
    """Files as they are made, by name, and the lists that the root has of them."""

    files: dict[str, bytes] = field(default_factory=dict)
    _first: dict[str, list[str | int]] = field(default_factory=lambda: {group: [] for group in GROUPS})
    _hashes: dict[str, list[str]] = field(default_factory=lambda: {group: [] for group in GROUPS})

    def add(self, group: str, first: str | int, data: bytes) -> None:
        """Add the next file of ``group``."""
        digits = hashlib.sha256(data).hexdigest()[:HASH_DIGITS]
        self.files[file_name(group, digits)] = data
        # Words before the first one belong to the first file too: they may be the beginning of others.
        self._first[group].append("" if isinstance(first, str) and not self._first[group] else first)
        self._hashes[group].append(digits)

    def lists(self) -> dict[str, FileList]:
        """Return the lists of every group."""
        return {group: FileList(self._first[group], self._hashes[group]) for group in GROUPS}


def cut_evenly(costs: Sequence[float], size: int, most: int) -> Iterator[tuple[int, int]]:
    """Cut a row into at most ``most`` runs of about ``size``, larger where they would be too many."""
    if not costs:
        return
    ends = np.cumsum(np.array(costs, np.float64))
    count = min(most, max(1, round(float(ends[-1]) / size)))
    places = (ends - 1e-9) / ends[-1] * count
    cuts = np.searchsorted(places.astype(np.int64), np.arange(1, count))
    for start, end in itertools.pairwise([0, *cuts.tolist(), len(costs)]):
        if start < end:
            yield start, end


def cut_large(costs: Sequence[float], single: int, size: int, most: int) -> list[tuple[int, int]]:
    """Cut a row as :func:`cut_evenly` does, unless it is about as little as ``single``: then not at all."""
    whole = list(cut_evenly(costs, single, most))
    return whole if len(whole) <= 1 else list(cut_evenly(costs, size, most))


def write_cards(files: FileSet, sections: Sequence[Section]) -> dict[str, object] | None:
    """Write what a result shows before its text; return it instead where it is little enough for the root."""
    costs = [4 + 0.5 * len(section.title) + 0.3 * _extra(section) for section in sections]
    if len(list(cut_evenly(costs, ROOT_CARD_BYTES, MAX_CARD_FILES))) <= 1:
        return _cards(sections)
    for start, end in cut_evenly(costs, CARD_BYTES, MAX_CARD_FILES):
        files.add("cards", start, write_json(KIND_CARDS, _cards(sections[start:end])))
    return None


def _extra(section: Section) -> int:
    return (len(repr(section.meta)) if section.meta else 0) + (
        len(repr(section.filters)) if section.filters else 0
    )


def _cards(sections: Sequence[Section]) -> dict[str, object]:
    pages: dict[tuple[str, tuple[str, ...]], int] = {}
    cards: dict[str, list[object]] = {"title": [], "page": [], "anchor": []}
    sparse: dict[str, dict[str, object]] = {"id": {}, "lang": {}, "meta": {}, "filters": {}}
    tags = Counter(section.lang for section in sections)
    tag = min(tags, key=lambda known: (-tags[known], known))
    for place, section in enumerate(sections):
        page, anchor = page_of(section.url)
        cards["title"].append(section.title)
        cards["page"].append(pages.setdefault((page, tuple(section.breadcrumb)), len(pages)))
        cards["anchor"].append(None if anchor and anchor == slug(section.title) else anchor)
        for name, value, usual in (
            ("id", section.id, section.url),
            ("lang", section.lang, tag),
            ("meta", dict(section.meta), {}),
            ("filters", {key: list(values) for key, values in section.filters.items()}, {}),
        ):
            if value != usual:
                sparse[name][str(place)] = value
    return {"pages": [[url, list(crumbs)] for url, crumbs in pages], "tag": tag, **cards, **sparse}


def write_texts(files: FileSet, sections: Sequence[Section]) -> None:
    """Write the texts from which snippets are cut."""
    costs = [8 + PACKED * len(section.text) for section in sections]
    for start, end in cut_large(costs, SINGLE_TEXTS, TEXT_BYTES, MAX_TEXT_FILES):
        texts = [section.text for section in sections[start:end]]
        files.add("texts", start, write_json(KIND_TEXTS, {"text": texts}))


def write_vocabulary(files: FileSet, words: Mapping[str, int]) -> None:
    """Write the words that a typing error may have been, forwards and, of many, backwards."""
    _write_words(files, "words", words, plain)
    if len(files.lists()["words"].hashes) > 1:
        backwards = {unicodedata.normalize("NFC", word)[::-1]: df for word, df in words.items()}
        _write_words(files, "reversed", backwards, plain)


def _write_words(files: FileSet, group: str, words: Mapping[str, int], sort: Callable[[str], str]) -> None:
    ordered = sorted(words, key=lambda word: (sort(word), word))
    costs = [2.5 + 0.2 * len(word) for word in ordered]
    for start, end in cut_large(costs, SINGLE_WORDS, WORD_BYTES, MAX_WORD_FILES):
        some = ordered[start:end]
        files.add(group, sort(some[0]), write_words(some, [words[word] for word in some]))

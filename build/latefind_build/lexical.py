"""Sections to the files of the word index, as ``docs/lexical-format.md`` specifies them.

Called once the order of the sections is fixed, because a document's number is its place in that order::

    files = build_lexical(sections_in_shard_order, languages)
    parts.append(write_part(folder, "lexical", "index/lexical.bin", files.root))
    for name, data in files.others.items():
        (folder / "index" / name).write_bytes(data)

The stages, in order: read every section once and count its terms; turn the counts into impacts; sort the
postings by term; cut terms, words, cards and texts into files. The same sections give the same bytes.
"""

import functools
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from latefind.lexical_analysis import FACET, TITLE, Analyser, has_digit, is_unspaced
from latefind.lexical_format import Root, write_postings, write_root
from latefind.passages import Section
from latefind_build.lexical_files import (
    FileSet,
    LexicalFiles,
    cut_evenly,
    write_cards,
    write_texts,
    write_vocabulary,
)
from latefind_build.progress import progress
from latefind_build.stemmers import analyser_of

K1, B = 1.2, 0.75
"""BM25's saturation and length normalisation: Lucene's."""

FIELD_WEIGHTS = {"title": 3.0, "breadcrumb": 1.0, "text": 1.0}
"""What one occurrence in a field counts. Titles at 2 to 5 are equally good on the evaluation sets."""

LEVELS = 15
"""Steps of an impact: four bits. On the mean of the evaluation sets they cost .0003 nDCG@10 against floats,
seven steps .006; 31 steps, and steps fitted to the impacts that occur, gain nothing that is not noise."""

COMMON_SHARE = 0.3
"""A word in more than this share of the documents is common: it is dropped from queries that have others."""

COMMON_SECTIONS = 200
"""Fewest sections of which words may be common: a small site may use its subject's name everywhere, and its
whole index is a few files anyway."""

COMMON_WORDS = 256
"""Most common words: they stand in the root."""

KEEP = 4
"""Words that a query keeps before common ones are dropped. Against five it costs .0003 nDCG@10 on the mean of
the evaluation sets; three cost .002."""

SINGLE_POSTINGS, POSTINGS_BYTES = 60_000, 22_000
"""The postings of all words are one file up to about one and a half times the first size, some 64 kB zipped.
Files of more aim at the second: at 2,500 sections 25 kB take as many requests and 9 kB more for most
questions, and 18 kB take a request more for long ones."""

COMMON_BYTES = 60_000
"""The same for common words, which are few, and of which short questions have several."""

MAX_FILES = 256
"""Most files of a group of postings."""

FACET_VALUES = 200
"""Most values of a facet that the root names."""

RARE_SECTIONS = 20_000
"""In an index of more sections than this, a word that only one has is none that a typing error is led to."""

WORD_LENGTHS = range(3, 25)
"""Code points of words that a typing error may have been."""


@dataclass(slots=True)
class _Counts:
    """What one pass over the sections finds; ``terms`` and ``words`` number their keys from 0."""

    terms: dict[str, int] = field(default_factory=dict)
    term_ids: "array[int]" = field(default_factory=lambda: array("I"))
    weights: "array[float]" = field(default_factory=lambda: array("f"))
    sizes: "array[int]" = field(default_factory=lambda: array("I"))
    lengths: "array[int]" = field(default_factory=lambda: array("I"))
    titles: dict[str, dict[int, int]] = field(default_factory=dict)
    words: Counter[str] = field(default_factory=Counter)
    filters: dict[tuple[str, str], list[int]] = field(default_factory=dict)


def build_lexical(sections: Sequence[Section], languages: Sequence[str]) -> LexicalFiles:
    """Index ``sections``, which are in the order of their numbers.

    Parameters
    ----------
    sections : sequence of Section
        At least one.
    languages : sequence of str
        BCP 47 tags of the content; the first is that of sections without a language, if no section has one.

    Returns
    -------
    LexicalFiles
        The root, and the other files by name.
    """
    tags = _language_counts(sections, languages)
    counts = _count(sections, tags[0][0])
    files = FileSet()
    common = _write_terms(files, counts, len(sections))
    facets = _write_filters(files, counts)
    rare = 2 if len(sections) > RARE_SECTIONS else 1
    write_vocabulary(files, {word: df for word, df in counts.words.items() if df >= rare})
    cards = write_cards(files, sections)
    write_texts(files, sections)
    root = Root(
        sections=len(sections),
        length=round(sum(counts.lengths) / len(sections), 3),
        languages=tags,
        levels=LEVELS,
        fields=FIELD_WEIGHTS,
        common=common,
        keep=KEEP,
        facets=facets,
        files=files.lists(),
        cards=cards,
    )
    return LexicalFiles(write_root(root), files.files)


def primary(tag: str) -> str:
    """Return the primary subtag of a BCP 47 tag."""
    return tag.replace("_", "-").split("-")[0].lower()


def _language_counts(sections: Sequence[Section], languages: Sequence[str]) -> list[tuple[str, int]]:
    known = Counter(primary(section.lang) for section in sections if section.lang)
    main = min(known, key=lambda tag: (-known[tag], tag)) if known else primary((*languages, "")[0])
    known[main] += len(sections) - sum(known.values())
    return sorted(known.items(), key=lambda pair: (-pair[1], pair[0]))


def _count(sections: Sequence[Section], main: str) -> _Counts:
    """Read every section once."""
    counts = _Counts()
    for number, section in enumerate(progress(sections, len(sections), "Indexing words", "sections")):
        analyser = analyser_of(primary(section.lang) or main)
        _count_section(counts, section, analyser)
        _count_titles(counts, section, number, analyser)
        for key, values in section.filters.items():
            for value in dict.fromkeys(values):
                counts.filters.setdefault((key, value), []).append(number)
    return counts


def _count_section(counts: _Counts, section: Section, analyser: Analyser) -> None:
    """Add the terms of a section, weighted by field, and its words and length."""
    weights: dict[str, float] = {}
    words: set[str] = set()
    length = 0
    fields = (("title", [section.title]), ("breadcrumb", section.breadcrumb), ("text", [section.text]))
    for name, texts in fields:
        weight = FIELD_WEIGHTS[name]
        for text in texts:
            for terms in analyser.analyse(text):
                length += len(terms.words)
                for term, word in terms.words:
                    weights[term] = weights.get(term, 0.0) + weight
                    words.add(word)
                for term in (*terms.parts, *terms.wholes):
                    weights[term] = weights.get(term, 0.0) + weight
    ids = counts.terms
    counts.term_ids.extend(ids.setdefault(term, len(ids)) for term in weights)
    counts.weights.extend(weights.values())
    counts.sizes.append(len(weights))
    counts.lengths.append(length)
    counts.words.update(word for word in words if _is_vocabulary(word))


@functools.lru_cache(100_000)
def _is_vocabulary(word: str) -> bool:
    """Tell whether typing errors may lead to ``word``."""
    return len(word) in WORD_LENGTHS and not has_digit(word) and not is_unspaced(word)


def _count_titles(counts: _Counts, section: Section, number: int, analyser: Analyser) -> None:
    full, inner = analyser.title_keys(section.title)
    for key in inner:
        counts.titles.setdefault(key, {})[number] = (LEVELS + 1) // 2
    for key in full:
        counts.titles.setdefault(key, {})[number] = LEVELS


def quantise(impacts: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return the nearest step of each impact, which is between 0 and 1; none becomes 0."""
    return np.maximum(1, np.floor(impacts * LEVELS + 0.5)).astype(np.uint8)


def _impacts(counts: _Counts) -> npt.NDArray[np.uint8]:
    """Return BM25's term weight of each posting, without idf: f / (f + k1 · (1 − b + b · length / mean))."""
    lengths = np.frombuffer(counts.lengths, np.uint32).astype(np.float64)
    mean = max(float(lengths.mean()), 1.0)
    norms = K1 * (1 - B + B * lengths / mean)
    weights = np.frombuffer(counts.weights, np.float32).astype(np.float64)
    return quantise(weights / (weights + np.repeat(norms, np.frombuffer(counts.sizes, np.uint32))))


def _write_terms(files: FileSet, counts: _Counts, sections: int) -> list[tuple[str, int]]:
    """Write the groups ``terms`` and ``common``; return the common words."""
    ids = np.frombuffer(counts.term_ids, np.uint32)
    documents = np.repeat(np.arange(sections), np.frombuffer(counts.sizes, np.uint32))
    impacts = _impacts(counts)
    names = sorted(counts.terms)
    rank = np.zeros(len(names), np.int64)
    rank[[counts.terms[name] for name in names]] = np.arange(len(names))
    order = np.argsort(rank[ids], kind="stable")
    documents, impacts = documents[order], impacts[order]
    sizes = np.bincount(rank[ids], minlength=len(names))
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    common = _common(names, sizes, sections)
    chosen = {term for term, _ in common}
    lists = {
        name: (documents[bounds[place] : bounds[place + 1]], impacts[bounds[place] : bounds[place + 1]])
        for place, name in enumerate(names)
    }
    for key, found in counts.titles.items():
        numbers = np.array(sorted(found), np.int64)
        lists[key] = (numbers, np.array([found[number] for number in numbers.tolist()], np.uint8))
    if len(list(cut_evenly(_costs(lists, lists), SINGLE_POSTINGS, MAX_FILES))) <= 1:
        _write_group(files, "terms", sorted(lists), lists, SINGLE_POSTINGS)
    else:
        _write_group(files, "common", sorted(chosen), lists, COMMON_BYTES)
        _write_group(files, "terms", sorted(lists.keys() - chosen), lists)
    return common


def _common(names: Sequence[str], sizes: npt.NDArray[np.int64], sections: int) -> list[tuple[str, int]]:
    """Return the words in most documents, the most frequent first; names and titles are never among them."""
    if sections < COMMON_SECTIONS:
        return []
    frequent = [
        (names[place], int(sizes[place]))
        for place in np.flatnonzero(sizes > max(1.0, COMMON_SHARE * sections)).tolist()
        if not _is_composed(names[place])
    ]
    return sorted(frequent, key=lambda pair: (-pair[1], pair[0]))[:COMMON_WORDS]


def _is_composed(key: str) -> bool:
    return any(char <= TITLE for char in key)


_Lists = dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]]


def _write_group(
    files: FileSet, group: str, keys: Sequence[str], lists: _Lists, size: int = POSTINGS_BYTES
) -> None:
    """Cut ``keys`` into files of about the same size and write their postings."""
    for start, end in cut_evenly(_costs(keys, lists), size, MAX_FILES):
        some = keys[start:end]
        counts = np.array([len(lists[key][0]) for key in some], np.int64)
        documents = np.concatenate([lists[key][0] for key in some])
        impacts = np.concatenate([lists[key][1] for key in some])
        files.add(group, some[0], write_postings(some, counts, documents, impacts))


def _costs(keys: Iterable[str], lists: _Lists) -> list[float]:
    """Return about how many bytes the postings of each of ``keys`` take, zipped."""
    # A posting takes about 1.3 bytes, a key about half of what it does not share.
    return [4 + len(key) // 2 + 1.3 * len(lists[key][0]) for key in keys]


def _write_filters(files: FileSet, counts: _Counts) -> list[dict[str, object]]:
    """Write the postings of every facet's values; return what the root says of them."""
    lists: _Lists = {
        key + FACET + value: (np.array(found, np.int64), np.full(len(found), LEVELS, np.uint8))
        for (key, value), found in counts.filters.items()
    }
    _write_group(files, "filters", sorted(lists), lists)
    facets: list[dict[str, object]] = []
    for key in sorted({key for key, _ in counts.filters}):
        values = [(value, len(found)) for (name, value), found in counts.filters.items() if name == key]
        values.sort(key=lambda pair: (-pair[1], pair[0]))
        shown = [{"value": value, "count": count} for value, count in values[:FACET_VALUES]]
        facets.append({"key": key, "values": shown})
    return facets

"""Search of the word index: BM25 with impacts, titles, prefixes and typing errors, natively.

The page's JavaScript answers the same queries from the same files; this is the reader behind
``latefind search`` and ``latefind eval``, and the one that JavaScript's is tested against. Files are fetched
by a function, so that a reader needs no file system; each is read once.

Guarantees: equal documents in equal order in both languages, because scores are integers.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from latefind.errors import FormatError
from latefind.lexical_analysis import FACET, TITLE, Analyser
from latefind.lexical_format import (
    KIND_CARDS,
    KIND_TEXTS,
    Postings,
    Root,
    file_name,
    read_json,
    read_postings,
    read_root,
    read_words,
    slug,
)
from latefind.lexical_query import (
    MIN_PREFIX,
    PREFIX_FACTOR,
    SCORE_SCALE,
    TYPO_FACTOR,
    Query,
    Slot,
    corrected_terms,
    corrections,
    longer_words,
    may_be_typo,
    shorter_word,
    take_apart,
    weight_of,
)
from latefind.passages import Section

Fetch = Callable[[str], bytes]
"""Returns a file that lies beside the root, by its name."""

_Array = npt.NDArray[np.int64]
_Found = tuple[_Array, _Array]
"""Documents of a key, and their impacts."""


@dataclass(frozen=True, slots=True)
class LexicalHits:
    """What a query found.

    Attributes
    ----------
    total : int
        Documents with a score.
    documents, points : int64
        The best first; a point is 1 / (2048 · levels) of the score that is shown.
    scores : float64
    corrected : mapping
        Words that were read as others.
    """

    total: int
    documents: _Array
    points: _Array
    scores: npt.NDArray[np.float64]
    corrected: Mapping[str, str]


@dataclass(slots=True)
class LexicalIndex:
    """A word index that is open.

    Attributes
    ----------
    fetched : list of str
        Names of the files that were fetched so far, in order.
    """

    root: Root
    fetch: Fetch
    fetched: list[str] = field(default_factory=list)
    _postings: dict[str, Postings] = field(default_factory=dict)
    _places: dict[str, dict[str, int]] = field(default_factory=dict)
    _words: dict[str, dict[str, int]] = field(default_factory=dict)
    _json: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _common: dict[str, int] = field(default_factory=dict)

    @classmethod
    def open(cls, stored: bytes, fetch: Fetch, where: str = "lexical root") -> "LexicalIndex":
        """Read the root; everything else is fetched when it is wanted."""
        root = read_root(stored, where)
        return cls(root, fetch, _common={term: rank for rank, (term, _) in enumerate(root.common)})

    @property
    def languages(self) -> Sequence[str]:
        """Primary subtags of the documents, the main one first."""
        return [tag for tag, _ in self.root.languages]

    def language_of(self, tag: str) -> str:
        """Return the language in which a query of a page in ``tag`` is analysed."""
        wanted = tag.replace("_", "-").split("-")[0].lower()
        return wanted if wanted in self.languages else self.languages[0]

    def search(
        self,
        text: str,
        analyser: Analyser,
        *,
        limit: int = 100,
        typing: bool = False,
        filters: Mapping[str, Sequence[str]] | None = None,
    ) -> LexicalHits:
        """Return the best ``limit`` documents for ``text``.

        ``analyser`` is that of :meth:`language_of` the page's language; ``typing`` says that the last word
        may go on.
        """
        query = take_apart(text, analyser, self.root, typing)
        points, corrected = self._answer(query, analyser)
        if query.has_dropped and not points.any():
            # Of what was left no section has anything: what was dropped is better than nothing.
            query = take_apart(text, analyser, self.root, typing, drops=False)
            points, corrected = self._answer(query, analyser)
        if filters:
            points[~self._allowed(filters)] = 0
        found = np.flatnonzero(points)
        best = found[np.lexsort((found, -points[found]))][:limit]
        scores = points[best] / (SCORE_SCALE * self.root.levels)
        return LexicalHits(len(found), best, points[best], scores, corrected)

    def _answer(self, query: Query, analyser: Analyser) -> tuple[_Array, dict[str, str]]:
        """Return the points of every document, and the words that were read as others."""
        corrected: dict[str, str] = {}
        for slot in query.slots:
            if slot.is_last:
                self._add_prefixed(slot, query.is_alone)
            if may_be_typo(slot) and slot.own and not slot.alternatives and self._find(slot.key) is None:
                corrected |= self._add_corrections(slot, analyser)
        return self._score(query), corrected

    def _score(self, query: Query) -> _Array:
        """Return the points of every document, int64 (N,)."""
        points = np.zeros(self.root.sections, np.int64)
        most: dict[int, int] = {}
        for slot in query.slots:
            best, highest = self._slot_points(slot)
            points += best
            most[id(slot)] = highest
        titles = [(query.title, query.slots), *query.names]
        for key, slots in titles:
            found = self._find(key) if key else None
            if found is not None:
                documents, impacts = found
                points[documents] += sum(most[id(slot)] for slot in slots) * impacts // self.root.levels
        return points

    def _slot_points(self, slot: Slot) -> tuple[_Array, int]:
        """Return a slot's points for every document, and the most that it can give."""
        best = np.zeros(self.root.sections, np.int64)
        highest = 0
        for key, factor in slot.every_key():
            found = self._find(key)
            if found is None:
                continue
            documents, impacts = found
            worth = slot.count * factor * weight_of(self.root.sections, len(documents))
            best[documents] = np.maximum(best[documents], worth * impacts)
            highest = max(highest, worth * self.root.levels)
        return best, highest

    def _add_prefixed(self, slot: Slot, is_alone: bool) -> None:
        """Let terms that begin with the word being typed stand for it too."""
        if len(slot.word) < MIN_PREFIX:
            return
        terms = self._terms_near(slot.word)
        if is_alone:
            terms |= dict(self.root.common)
        longer = longer_words(slot.word, {term: df for term, df in terms.items() if term != slot.key})
        if not longer and slot.own and self._find(slot.key) is None:
            shorter = shorter_word(slot.word, terms)
            longer = [shorter] if shorter else []
        slot.alternatives += [(term, PREFIX_FACTOR) for term in longer]

    def _add_corrections(self, slot: Slot, analyser: Analyser) -> dict[str, str]:
        """Let words within one edit stand for one that is in no document; return what it was read as."""
        known = self._words_near("words", slot.word)
        backwards = self._words_near("reversed", slot.word[::-1])
        known |= {word[::-1]: df for word, df in backwards.items()}
        terms = corrected_terms(corrections(slot.word, known), analyser)
        slot.alternatives += [(term, TYPO_FACTOR) for term in terms]
        for term, word in terms.items():
            if self._find(term) is not None:
                return {slot.word: word}
        return {}

    def _allowed(self, filters: Mapping[str, Sequence[str]]) -> npt.NDArray[np.bool_]:
        allowed = np.ones(self.root.sections, np.bool_)
        for key, values in filters.items():
            having = np.zeros(self.root.sections, np.bool_)
            for value in values:
                found = self._find(key + FACET + value, "filters")
                if found is not None:
                    having[found[0]] = True
            allowed &= having
        return allowed

    def _find(self, key: str, group: str = "") -> _Found | None:
        """Return the postings of a key, or None where there is none."""
        name = self._file_of(group or self._group_of(key), key)
        if name is None:
            return None
        postings = self._read_postings(name)
        place = self._places[name].get(key)
        if place is None:
            return None
        part = slice(int(postings.bounds[place]), int(postings.bounds[place + 1]))
        return postings.documents[part], postings.impacts[part].astype(np.int64)

    def _group_of(self, key: str) -> str:
        """Return the group of the file that a term is in; a small index has no file of common words."""
        return "common" if key in self._common and self.root.files["common"].hashes else "terms"

    def _terms_near(self, word: str) -> dict[str, int]:
        """Return the terms, without common words, of the one file that can hold ``word``, with documents."""
        name = self._file_of("terms", word)
        if name is None:
            return {}
        postings = self._read_postings(name)
        sizes = np.diff(postings.bounds).tolist()
        return {
            key: size
            for key, size in zip(postings.keys, sizes, strict=True)
            if key not in self._common and not any(c <= TITLE for c in key)
        }

    def _words_near(self, group: str, word: str) -> dict[str, int]:
        name = self._file_of(group, word)
        if name is None:
            return {}
        if name not in self._words:
            words, counts = read_words(self._fetch(name), name)
            self._words[name] = dict(zip(words, counts, strict=True))
        return dict(self._words[name])

    def _file_of(self, group: str, key: str | int) -> str | None:
        """Return the name of the last file of a group that begins at or before ``key``."""
        files = self.root.files[group]
        place = bisect_right(files.first, key) - 1
        return file_name(group, files.hashes[place]) if place >= 0 else None

    def _read_postings(self, name: str) -> Postings:
        if name not in self._postings:
            postings = read_postings(self._fetch(name), self.root.sections, self.root.levels, name)
            self._postings[name] = postings
            self._places[name] = {key: place for place, key in enumerate(postings.keys)}
        return self._postings[name]

    def _fetch(self, name: str) -> bytes:
        self.fetched.append(name)
        return self.fetch(name)

    def sections(self, documents: Sequence[int]) -> Iterator[Section]:
        """Yield the sections of ``documents`` as they were built."""
        for card, text in zip(self.cards(documents), self.texts(documents), strict=True):
            yield replace(card, text=text)

    def cards(self, documents: Sequence[int]) -> Iterator[Section]:
        """Yield the sections of ``documents`` without their texts."""
        for number in documents:
            cards, place = self._block("cards", KIND_CARDS, number)
            try:
                yield _read_card(cards, place)
            except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
                raise FormatError.expected(
                    "cards", f"document {number}", f"{error!r}", "Build again."
                ) from error

    def texts(self, documents: Sequence[int]) -> Iterator[str]:
        """Yield the texts of ``documents``."""
        for number in documents:
            texts, place = self._block("texts", KIND_TEXTS, number)
            try:
                yield str(texts["text"][place])
            except (KeyError, IndexError, TypeError) as error:
                raise FormatError.expected(
                    "texts", f"document {number}", f"{error!r}", "Build again."
                ) from error

    def _block(self, group: str, kind: int, number: int) -> tuple[Mapping[str, Any], int]:
        """Return the cards or texts among which a document is, and its place there."""
        if group == "cards" and self.root.cards is not None:
            return self.root.cards, number
        name = self._file_of(group, number)
        if name is None:
            raise FormatError.expected(group, f"a file of document {number}", "none")
        if name not in self._json:
            self._json[name] = read_json(self._fetch(name), kind, name)
        first = self.root.files[group].first
        return self._json[name], number - int(first[bisect_right(first, number) - 1])


def _read_card(cards: Mapping[str, Any], place: int) -> Section:
    url, breadcrumb = cards["pages"][cards["page"][place]]
    title, anchor = cards["title"][place], cards["anchor"][place]
    anchor = slug(title) if anchor is None else anchor
    url = f"{url}#{anchor}" if anchor else url
    at = str(place)
    return Section(
        id=cards["id"].get(at, url),
        url=url,
        title=title,
        breadcrumb=tuple(breadcrumb),
        text="",
        lang=cards["lang"].get(at, cards["tag"]),
        meta=cards["meta"].get(at, {}),
        filters={key: tuple(values) for key, values in cards["filters"].get(at, {}).items()},
    )

"""What a query looks up in the word index: slots, the words that it drops, and the titles that it may be.

Integers only, in the order of ``docs/lexical-format.md`` under *Ranking*; :mod:`latefind.lexical` looks up
and adds. The standard library alone is needed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from latefind.lexical_analysis import (
    Analyser,
    Terms,
    has_digit,
    is_letter,
    is_unspaced,
    is_word_character,
    plain,
)
from latefind.lexical_format import Root

WORD_FACTOR, PART_FACTOR, WHOLE_FACTOR = 8, 4, 4
"""Eighths that a word, a part of one in camel case and a whole count. A whole is rare: it counts anyway."""

PREFIX_FACTOR, TYPO_FACTOR = 5, 6
"""Eighths that a longer word counts for its beginning, and a likely word for one that nobody wrote."""

SCORE_SCALE = 2048
"""A score is eighths times 256ths of a weight, times an impact."""

MIN_PREFIX, MAX_PREFIXED = 2, 8
"""Code points of the shortest word that others may begin with, and how many of those count."""

MIN_STEM, MAX_ENDING = 4, 4
"""Code points of the shortest term that a word may go on from, and of how far it may."""

MIN_TYPO, MAX_CORRECTIONS = 4, 3
"""Code points of the shortest word that may be mistyped, and how many others stand for it."""

KEEP_FREQUENT = 2
"""Words that are left when those of one letter, and those in more than 60 % of the documents, are dropped."""

MAX_NAMES = 4
"""Chunks of a longer query that are looked up as titles of their own."""


@dataclass(slots=True)
class Slot:
    """One thing that a query looks up.

    Attributes
    ----------
    key : str
        Term or whole.
    factor : int
        Eighths.
    count : int
        How often the query has it.
    own : bool
        Whether ``key`` itself is looked up; false for a common word that is still being typed.
    word : str
        Folded and without accents, what a prefix or a typing error is looked for; empty where neither may be.
    is_last : bool
        The word that is being typed.
    alternatives : list of (str, int)
        Further terms, each with its factor.
    """

    key: str
    factor: int
    count: int = 1
    own: bool = True
    word: str = ""
    is_last: bool = False
    alternatives: list[tuple[str, int]] = field(default_factory=list)

    def every_key(self) -> list[tuple[str, int]]:
        """Return every key that stands for the slot, with its factor."""
        return [(self.key, self.factor), *self.alternatives] if self.own else self.alternatives


@dataclass(frozen=True, slots=True)
class Query:
    """A query taken apart.

    Attributes
    ----------
    slots : sequence of Slot
        In the order of the text, after common words were dropped.
    title : str
        The key of the title that the whole query may be; empty where it can be none.
    names : sequence of (str, sequence of Slot)
        Keys of titles that its identifiers may be, each with the slots of that identifier.
    is_alone : bool
        Whether the last word is the only one.
    has_dropped : bool
        Whether a slot was dropped, or stayed without its own term.
    """

    slots: Sequence[Slot]
    title: str
    names: Sequence[tuple[str, Sequence[Slot]]]
    is_alone: bool
    has_dropped: bool = False


def take_apart(text: str, analyser: Analyser, root: Root, typing: bool, drops: bool = True) -> Query:
    """Return what ``text`` looks up.

    Parameters
    ----------
    root : Root
        Knows which words are common.
    typing : bool
        Whether the last word may go on.
    drops : bool
        Whether common words are dropped.
    """
    chunks = list(analyser.analyse(text))
    slots: dict[tuple[str, int], Slot] = {}
    owners: list[list[tuple[str, int]]] = []
    for terms in chunks:
        keys = _keys_of(terms)
        owners.append(keys)
        for pair in keys:
            known = slots.get(pair)
            if known is None:
                slots[pair] = Slot(*pair)
            else:
                known.count += 1
    _note_words(slots, chunks)
    for terms in chunks:
        for term in terms.parts:
            if (term, WORD_FACTOR) in slots:
                slots.pop((term, PART_FACTOR), None)
    words = [slot for slot in slots.values() if slot.factor == WORD_FACTOR]
    if typing and words and is_word_character(text[-1:]):
        last = chunks[-1].words
        if last and last[-1][1] and slots[last[-1][0], WORD_FACTOR].word:
            slots[last[-1][0], WORD_FACTOR].is_last = True
    dropped = _drop_common(slots, words, root) if drops else 0
    names = [
        (key, [slots[owned] for owned in dict.fromkeys(keys) if owned in slots])
        for terms, keys in zip(chunks, owners, strict=True)
        if terms.is_name and (key := analyser.sequence_key([terms]))
    ]
    return Query(
        list(slots.values()),
        analyser.sequence_key(chunks),
        names[:MAX_NAMES] if len(chunks) > 1 else (),
        len(words) == 1,
        dropped > 0,
    )


def _keys_of(terms: Terms) -> list[tuple[str, int]]:
    return [
        *((term, WORD_FACTOR) for term, _ in terms.words),
        *((term, PART_FACTOR) for term in terms.parts),
        *((key, WHOLE_FACTOR) for key in terms.wholes),
    ]


def _note_words(slots: Mapping[tuple[str, int], Slot], chunks: Sequence[Terms]) -> None:
    """Note the word of each slot that prefixes and typing errors may be looked for."""
    for terms in chunks:
        for term, folded in terms.words:
            slot = slots[term, WORD_FACTOR]
            slot.word = slot.word or ("" if is_unspaced(folded) else plain(folded))


def _drop_common(slots: dict[tuple[str, int], Slot], words: Sequence[Slot], root: Root) -> int:
    """Drop one-letter words, then the most frequent ones, as long as enough are left; return how many."""
    named = {slot.key: slot for slot in words}
    letters = [slot for slot in words if len(slot.key) == 1 and is_letter(slot.key)]
    turns = [(slot, KEEP_FREQUENT) for slot in letters]
    for term, df in root.common:
        slot = named.get(term)
        if slot is not None and slot not in letters:
            # In integers: the share is 60 %.
            turns.append((slot, KEEP_FREQUENT if 5 * df > 3 * root.sections else root.keep))
    left = len(words)
    for slot, keep in turns:
        if left <= keep:
            break
        left -= 1
        if slot.is_last:
            slot.own = False
        else:
            del slots[slot.key, slot.factor]
    return len(words) - left


def weight_of(sections: int, df: int) -> int:
    """Return BM25's inverse document frequency in 256ths, at least one: what all have is found too."""
    return max(1, math.floor(256 * math.log(1 + (sections - df + 0.5) / (df + 0.5)) + 0.5))


def may_be_typo(slot: Slot) -> bool:
    """Tell whether the slot's word is looked for among words that differ by one edit."""
    return len(slot.word) >= MIN_TYPO and not has_digit(slot.word)


def within_one_edit(a: str, b: str) -> bool:
    """Tell whether one insertion, deletion, replacement or swap of neighbours leads from a to b, or none."""
    if len(a) > len(b):
        a, b = b, a
    if len(b) - len(a) > 1:
        return False
    at = 0
    while at < len(a) and a[at] == b[at]:
        at += 1
    if len(a) < len(b):
        return a[at:] == b[at + 1 :]
    swapped = b[at + 1 : at + 2] + b[at : at + 1] == a[at : at + 2] and a[at + 2 :] == b[at + 2 :]
    return a[at + 1 :] == b[at + 1 :] or swapped


def longer_words(word: str, terms: Mapping[str, int]) -> list[str]:
    """Return the best few of ``terms`` that begin with ``word``; they come with their documents."""
    found = [term for term in terms if term.startswith(word)]
    return sorted(found, key=lambda term: (-terms[term], term))[:MAX_PREFIXED]


def shorter_word(word: str, terms: Mapping[str, int]) -> str:
    """Return the longest term that ``word`` goes on from; empty where there is none."""
    for size in range(len(word) - 1, max(MIN_STEM, len(word) - MAX_ENDING) - 1, -1):
        if word[:size] in terms:
            return word[:size]
    return ""


def corrections(word: str, words: Mapping[str, int]) -> list[str]:
    """Return the words within one edit of ``word``, in most documents first."""
    found = [known for known in words if within_one_edit(word, plain(known))]
    return sorted(found, key=lambda known: (-words[known], known))


def corrected_terms(found: Sequence[str], analyser: Analyser) -> dict[str, str]:
    """Return the first few different stems of words, each with the word that it comes from."""
    stems: dict[str, str] = {}
    for word in found:
        stems.setdefault(analyser.stem(word), word)
        if len(stems) == MAX_CORRECTIONS:
            break
    return stems

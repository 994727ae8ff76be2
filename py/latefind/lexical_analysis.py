"""What the words of a text are: the analysis of the word index, as ``docs/lexical-format.md`` specifies it.

A text is scanned into *chunks*, the longest runs that may be one identifier (``os.path.join``,
``--no-cache``). A chunk gives words (stemmed), the parts of words in camel case, and, where it is more than a
plain word, *wholes*. The page's JavaScript does the same; tests compare both on every word of the evaluation
sets, so nothing here may differ from the specification.

Guarantees: no state but caches; every result depends on the text and the stemmer alone. Imports the standard
library only; a stemmer is given by the caller.
"""

import functools
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Stem = Callable[[str], str]
"""Snowball's stemmer of a language: a folded word to its stem."""

LANGUAGES = {
    "en": "english",
    "de": "german",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
}
"""Languages that are stemmed, with Snowball's names."""

WHOLE, TITLE, FACET = "\x01", "\x02", "\x1f"
"""What separates the halves of a key: anchor and whole, anchor and title, facet and value."""

MAX_WORD = 64
"""Code points of the longest word and whole: longer ones are data, not words."""

MAX_SEQUENCE = 120
"""Code points of the longest title that has a key of its own."""

MAX_TAILS = 4
"""Tails of a dotted name in a title that have keys."""

CACHED_CHUNKS = 200_000
"""Chunks whose analysis is kept, about 100 MB; then the cache begins anew."""

_IGNORABLE = "\u00ad\u200c\u200d\u2060\ufeff"
_IGNORED = str.maketrans("", "", _IGNORABLE)
_ACCENTS = dict.fromkeys(range(0x300, 0x370))
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_JOINER = r"(?:_{1,3}|::|->|[-.:/@#\\])"
_JOINERS = re.compile(_JOINER)
_TAILS = re.compile(r"::|->|[.:/#\\]")
_RUNS = re.compile(f"([{_UNSPACED}]+)")
_QUOTES = frozenset("'\u2019")
_MAX_PREFIX = 3


@dataclass(frozen=True, slots=True)
class Chunk:
    """One match of the scanner; prefix and suffix only where they count."""

    prefix: str
    core: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a chunk gives.

    Attributes
    ----------
    words : sequence of (str, str)
        Terms, each with the folded word that it is the stem of; what lengths count.
    parts : sequence of str
        Terms of the parts of words in camel case.
    wholes : sequence of str
        Keys of the chunk as a whole, and of its core without prefix and suffix.
    form : str
        What the chunk is in a title's sequence.
    stems : sequence of str
        The pieces' stems, from which a title's anchor is chosen.
    """

    words: Sequence[tuple[str, str]]
    parts: Sequence[str]
    wholes: Sequence[str]
    form: str
    stems: Sequence[str]

    @property
    def is_name(self) -> bool:
        """Whether the chunk is an identifier rather than a word."""
        return bool(self.parts or self.wholes)


def fold(text: str) -> str:
    """Return ``text`` without ignorable characters, in NFKC and lower case."""
    return unicodedata.normalize("NFKC", text.translate(_IGNORED)).lower()


def plain(text: str) -> str:
    """Return ``text`` without accents."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).translate(_ACCENTS))


def has_digit(text: str) -> bool:
    """Tell whether a character is of category N."""
    return any(unicodedata.category(char)[0] == "N" for char in text)


def is_letter(char: str) -> bool:
    """Tell whether ``char`` is of category L."""
    return unicodedata.category(char)[0] == "L"


def is_unspaced(text: str) -> bool:
    """Tell whether a character is of a script that is written without spaces."""
    return _RUNS.search(text) is not None


@functools.cache
def word_class() -> str:
    """Return the inside of a character class of the word characters: letters, marks, numbers, ignorables."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char)[0] in "LMN" or char in _IGNORABLE:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{start:08x}-\\U{end:08x}" for start, end in ranges)


@functools.cache
def _scanner() -> re.Pattern[str]:
    word = f"[{word_class()}]+"
    return re.compile(rf"([-.@$#:/%!~&\\_]{{0,4}})({word}(?:{_JOINER}{word})*)(\+{{1,2}}|#|_{{1,3}})?")


@functools.cache
def _word_pattern() -> re.Pattern[str]:
    return re.compile(f"[{word_class()}]")


def is_word_character(char: str) -> bool:
    """Tell whether ``char``, one code point or none, may stand in a word."""
    return _word_pattern().fullmatch(char) is not None


def scan_chunks(text: str) -> Iterator[Chunk]:
    """Yield the chunks of ``text`` from left to right."""
    for match in _scanner().finditer(text):
        prefix, core, suffix = match.groups("")
        start, end = match.span()
        before, after = text[start - 1 : start] if start else "", text[end : end + 1]
        if len(core) == 1 and _QUOTES.intersection((before, after)):
            continue
        if core[0] in _IGNORABLE and not any(piece.translate(_IGNORED) for piece in _JOINERS.split(core)):
            continue
        if prefix and (len(prefix) > _MAX_PREFIX or is_word_character(before)):
            prefix = ""
        if suffix and is_word_character(after):
            suffix = ""
        yield Chunk(prefix, core, suffix)


def case_parts(piece: str) -> list[str]:
    """Cut a piece in camel case into its parts; one that has none is a list of itself."""
    text = unicodedata.normalize("NFKC", piece.translate(_IGNORED))
    if text.islower():
        return [text]
    kinds = [unicodedata.category(char) for char in text]
    cuts = [0]
    for at in range(1, len(text)):
        if kinds[at] != "Lu":
            continue
        rises = kinds[at - 1] in ("Ll", "Nd")
        ends = kinds[at - 1] == "Lu" and at + 1 < len(text) and kinds[at + 1] == "Ll"
        if (rises or ends) and not (len(text) == at + 2 and text[at + 1] == "s"):
            cuts.append(at)
    return [text[start:end] for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def anchored(pieces: Sequence[str], separator: str, text: str) -> str:
    """Return the key of ``text``, anchored at the longest of ``pieces``, the first of equals."""
    return max(pieces, key=len, default="") + separator + text


class Analyser:
    """The analysis in one language.

    Parameters
    ----------
    stem : callable or None
        The language's stemmer; None leaves words as they are.
    """

    def __init__(self, stem: Stem | None = None) -> None:
        self._snowball = stem
        self._stems: dict[str, str] = {}
        self._terms: dict[tuple[str, str, str], Terms] = {}

    def stem(self, piece: str) -> str:
        """Return the term of a piece: folded, stemmed unless it has a digit, without accents."""
        folded = fold(piece)
        if self._snowball is None or has_digit(folded):
            return plain(folded)
        known = self._stems.get(folded)
        if known is None:
            if len(self._stems) >= CACHED_CHUNKS:
                self._stems.clear()
            known = self._stems[folded] = plain(self._snowball(folded))
        return known

    def analyse(self, text: str) -> Iterator[Terms]:
        """Yield what each chunk of ``text`` gives."""
        known = self._terms
        for chunk in scan_chunks(text):
            key = (chunk.prefix, chunk.core, chunk.suffix)
            terms = known.get(key)
            if terms is None:
                if len(known) >= CACHED_CHUNKS:
                    known.clear()
                terms = known[key] = self.terms_of(chunk)
            yield terms

    def terms_of(self, chunk: Chunk) -> Terms:
        """Analyse one chunk."""
        pieces = _JOINERS.split(chunk.core)
        words: list[tuple[str, str]] = []
        parts: list[str] = []
        for piece in pieces:
            words += self._words(piece)
            cased = case_parts(piece)
            if len(cased) > 1:
                parts += [self.stem(part) for part in cased if len(part) > 1]
        stems = [plain(fold(piece)) if is_unspaced(piece) else self.stem(piece) for piece in pieces]
        wholes: list[str] = []
        form = stems[0]
        if chunk.prefix or chunk.suffix or len(pieces) > 1:
            anchors = [plain(fold(piece)) for piece in pieces]
            whole = plain(fold(chunk.prefix + chunk.core + chunk.suffix))
            bare = plain(fold(chunk.core))
            if len(whole) <= MAX_WORD:
                wholes.append(anchored(anchors, WHOLE, whole))
                form = whole
                if bare != whole and len(pieces) > 1:
                    wholes.append(anchored(anchors, WHOLE, bare))
            else:
                form = " ".join(stems)
        return Terms(words, parts, wholes, form, stems)

    def _words(self, piece: str) -> list[tuple[str, str]]:
        """Return the words of a piece, each with what it was folded from."""
        words: list[tuple[str, str]] = []
        for at, run in enumerate(_RUNS.split(piece)):
            folded = fold(run)
            if not folded:
                continue
            if at % 2:
                shown = plain(folded)
                pairs = [shown[i : i + 2] for i in range(len(shown) - 1)] or [shown]
                words += [(pair, pair) for pair in pairs]
            elif len(folded) <= MAX_WORD:
                words.append((self.stem(run), folded))
        return words

    def sequence_key(self, chunks: Sequence[Terms]) -> str:
        """Return the key of a title that consists of ``chunks``; empty where it has none."""
        sequence = " ".join(terms.form for terms in chunks)
        if not sequence or len(sequence) > MAX_SEQUENCE:
            return ""
        return anchored([stem for terms in chunks for stem in terms.stems], TITLE, sequence)

    def title_keys(self, title: str) -> tuple[list[str], list[str]]:
        """Return the keys under which a title is found: those of all of it, and those of names in it."""
        cut = title.find("(")
        wholly = [title] if cut <= 0 else [title, title[:cut]]
        full = [self.sequence_key(list(self.analyse(text))) for text in wholly]
        inner: list[str] = []
        for chunk in scan_chunks(title):
            terms = self.terms_of(chunk)
            if terms.is_name:
                inner.append(self.sequence_key([terms]))
                inner += [self._name_key(text) for text in (chunk.core, *_tails(chunk.core))]
        known = [key for key in dict.fromkeys(full) if key]
        return known, [key for key in dict.fromkeys(inner) if key and key not in known]

    def _name_key(self, text: str) -> str:
        """Return the key of a name without prefix and suffix, or of one of its tails."""
        return self.sequence_key([self.terms_of(Chunk("", text, ""))])


def _tails(core: str) -> list[str]:
    """Return what follows each joiner that separates names, the shortest first."""
    return [core[match.end() :] for match in _TAILS.finditer(core)][::-1][:MAX_TAILS]

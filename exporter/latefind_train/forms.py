"""Other forms of a query, by rules: what people type is not what a heading says.

All work on words as the tokenizer sees them (lower case, no accents), because training varies packed text.
Where a tokenizer removes accents, a missing accent is no variation at all; what is left of it is German,
where people write "ae" for "ä" and "ss" for "ß".
"""

import random
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from latefind_train.wordpiece import Word


def _halves(pair: str) -> tuple[str, str]:
    left, _, right = pair.partition(":")
    return left, right


_KNOWN = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
STOP = {language: frozenset(words.split()) for language, words in _KNOWN["stop"].items()}
VERBS = {language: frozenset(words.split()) for language, words in _KNOWN["verbs"].items()}
INFINITIVES = {language: tuple(endings.split()) for language, endings in _KNOWN["infinitives"].items()}
GERUNDS = {gerund: base for base, gerund in map(_halves, _KNOWN["gerunds"]["en"].split())}
NEIGHBOURS = dict(map(_halves, _KNOWN["neighbours"]["keys"].split()))
DOING: Mapping[str, Sequence[str]] = _KNOWN["doing"]
BEING: Mapping[str, Sequence[str]] = _KNOWN["being"]

SHORTEST_MISTYPED = 4
"""Letters of a word that gets an error."""

LONGEST_HEADING = 12
"""Words; what is longer is a sentence already."""


def as_question(words: Sequence[Word], language: str, rng: random.Random) -> list[Word] | None:
    """Return a heading as a question, or None where it is one, or too long."""
    if not 0 < len(words) <= LONGEST_HEADING or words[-1] == "?" or str(words[-1]).endswith("?"):
        return None
    done = _as_doing(words, language)
    templates = BEING if done is None else DOING
    before, _, after = rng.choice(templates.get(language, templates["en"])).partition("{}")
    return [*before.split(), *(words if done is None else done), *after.split()]


def _as_doing(words: Sequence[Word], language: str) -> list[Word] | None:
    """Return the words of a heading that says what to do, with its verb as an infinitive; else None."""
    first, last = str(words[0]), str(words[-1])
    if language == "en":
        return [GERUNDS[first], *words[1:]] if first in GERUNDS and len(words) > 1 else None
    if language in VERBS:
        return list(words) if last in VERBS[language] and len(words) > 1 else None
    endings = INFINITIVES.get(language, ())
    is_verb = len(first) > 4 and first.endswith(endings) and len(words) > 1
    return list(words) if is_verb else None


def as_keywords(words: Sequence[Word], language: str, rng: random.Random) -> list[Word] | None:
    """Return up to four words that carry meaning, mostly in order; None where that is the whole query."""
    stop = STOP.get(language, frozenset())
    content = [
        word for word in words if word not in stop and not (isinstance(word, str) and not _is_word(word))
    ]
    if len(content) < 2 or len(content) == len(words) <= 4:
        return None
    kept = sorted(rng.sample(range(len(content)), min(len(content), rng.randint(2, 4))))
    if rng.random() < 0.2:
        rng.shuffle(kept)
    return [content[place] for place in kept]


def mistyped(words: Sequence[Word], language: str, rng: random.Random) -> list[Word] | None:
    """Return the words with one error of typing in one of them; None where all are short."""
    places = [
        place
        for place, word in enumerate(words)
        if isinstance(word, str) and len(word) >= SHORTEST_MISTYPED and word.isascii() and word.isalpha()
    ]
    if not places:
        return None
    place = rng.choice(places)
    changed = list(words)
    changed[place] = _mistype(str(words[place]), rng)
    return changed


def _mistype(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word))  # the first letter is seldom wrong
    kind = rng.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1 and at + 1 < len(word):
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 2:
        return word[:at] + word[at - 1] + word[at:]
    return word[:at] + rng.choice(NEIGHBOURS.get(word[at], "e")) + word[at + 1 :]


def transliterated(words: Sequence[Word], umlauts: Mapping[str, str]) -> list[Word] | None:
    """Return German words as they are typed without umlauts; None where none of them has one.

    ``umlauts`` has each word without accents and the word with "ae", "oe", "ue" and "ss".
    """
    changed = [umlauts.get(word, word) if isinstance(word, str) else word for word in words]
    return None if changed == list(words) else changed


def _is_word(word: Word) -> bool:
    """Return whether the word has a letter or digit, or cannot be read."""
    return not isinstance(word, str) or any(character.isalnum() for character in word)


Form = Callable[[Sequence[Word], str, random.Random], "list[Word] | None"]
FORMS: Mapping[str, Form] = {"question": as_question, "keywords": as_keywords, "typo": mistyped}
"""By the names that a run's configuration gives shares to; ``umlaut`` is one more, which needs its table."""

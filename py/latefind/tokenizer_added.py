"""Added tokens: strings that become one id before the model sees the text, such as ``[MASK]`` or ``[Q] ``.

Tokens with ``normalized: false`` are looked for in the text as typed, the others, themselves normalized, in
the normalized rest. The leftmost match wins, then the longest.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from latefind.errors import TokenizerError
from latefind.tokenizer_fields import Fields
from latefind.tokenizer_normalizers import Normalizer
from latefind.tokenizer_text import AlignedText
from latefind.tokenizer_unicode import WHITE_SPACE, WORD


@dataclass(frozen=True, slots=True)
class AddedToken:
    """One entry of ``added_tokens``.

    Attributes
    ----------
    single_word : bool
        Matches only where neither neighbour is a word character.
    lstrip, rstrip : bool
        White space on that side belongs to the match.
    normalized : bool
        Looked for after normalization, in normalized form.
    special : bool
        Matters to decoding only; kept for the sake of the format.
    """

    content: str
    single_word: bool
    lstrip: bool
    rstrip: bool
    normalized: bool
    special: bool

    @classmethod
    def from_fields(cls, fields: Fields) -> "AddedToken":
        """Read one entry; its ``id`` does not matter, as in the library."""
        return cls(
            content=fields.text("content"),
            single_word=fields.flag("single_word"),
            lstrip=fields.flag("lstrip"),
            rstrip=fields.flag("rstrip"),
            normalized=fields.flag("normalized"),
            special=fields.flag("special"),
        )


def assign_ids(tokens: Iterable[AddedToken], vocabulary: dict[str, int]) -> dict[int, AddedToken]:
    """Return the tokens by id: that of the vocabulary, else the next free one in order.

    The library ignores the ids that the file gives to added tokens, so we do. Of several entries with the
    same content the last one counts.
    """
    assigned: dict[int, AddedToken] = {}
    ids: dict[str, int] = {}
    following = len(vocabulary)
    for token in tokens:
        if not token.content:
            continue
        known = ids.get(token.content, vocabulary.get(token.content))
        if known is None:
            known, following = following, following + 1
        ids[token.content] = known
        assigned[known] = token
    return assigned


class AddedTokens:
    """Finds the added tokens of a text and normalizes what is between them."""

    def __init__(self, tokens: dict[int, AddedToken], normalizer: Normalizer | None, where: str) -> None:
        self._normalizer = normalizer
        typed: dict[str, int] = {}
        normalized: dict[str, int] = {}
        for token_id, token in tokens.items():
            content, patterns = token.content, typed
            if token.normalized:
                content, patterns = self._normalize(AlignedText.original(content)).text, normalized
            if not content or content in patterns:
                raise TokenizerError.expected(
                    f"{where}: added_tokens: {token.content!r}",
                    "a token that stays distinct when normalized",
                    repr(content),
                    "Set its normalized flag to false.",
                )
            patterns[content] = token_id
        self._typed = _Matcher(typed, tokens)
        self._normalized = _Matcher(normalized, tokens)

    def split(self, text: AlignedText) -> list[tuple[AlignedText, int | None]]:
        """Return the text in pieces: added tokens with their id, the normalized rest with None."""
        pieces = []
        for piece, token_id in self._typed.split(text):
            if token_id is None:
                pieces += self._normalized.split(self._normalize(piece))
            else:
                pieces.append((piece, token_id))
        return pieces

    def _normalize(self, text: AlignedText) -> AlignedText:
        return text if self._normalizer is None else self._normalizer.normalize(text)


class _Matcher:
    """Finds the longest of several strings, leftmost first."""

    def __init__(self, patterns: dict[str, int], tokens: dict[int, AddedToken]) -> None:
        self._ids = patterns
        self._tokens = tokens
        # An alternation takes its first branch that matches, so the longest strings come first.
        longest_first = sorted(patterns, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if patterns else None

    def split(self, aligned: AlignedText) -> list[tuple[AlignedText, int | None]]:
        """Return the non-empty pieces of a text: matches with their id, the rest with None."""
        if self._pattern is None:
            return [(aligned, None)] if aligned.text else []
        text = aligned.text
        pieces: list[tuple[AlignedText, int | None]] = []
        position = 0
        for match in self._pattern.finditer(text):
            start, end = match.span()
            token_id = self._ids[match.group()]
            token = self._tokens[token_id]
            if token.single_word and not _stands_alone(text, start, end):
                continue
            if token.lstrip:
                while start > position and text[start - 1] in WHITE_SPACE:
                    start -= 1
                start = max(start, position)
            # The search goes on behind the match itself, so a token that begins with white space may
            # follow within what is taken here, as it may in the library.
            if token.rstrip:
                while end < len(text) and text[end] in WHITE_SPACE:
                    end += 1
            if position < start:
                pieces.append((aligned.cut(position, start), None))
            if start < end:
                pieces.append((aligned.cut(start, end), token_id))
            position = end
        if position < len(text):
            pieces.append((aligned.cut(position, len(text)), None))
        return pieces


def _stands_alone(text: str, start: int, end: int) -> bool:
    before = start > 0 and text[start - 1] in WORD
    after = end < len(text) and text[end] in WORD
    return not (before or after)

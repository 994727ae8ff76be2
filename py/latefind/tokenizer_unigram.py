"""SentencePiece's Unigram model: the segmentation of a word whose tokens have the highest sum of scores.

Equal to the ``tokenizers`` library bit for bit, which ties demand: scores are 64-bit floats, summed from the
left; of equal sums the one found first wins, whose last token is the longest. A character that is no token
costs ten less than the worst score, and a run of unknown characters is one unknown token.

A vocabulary of 250,000 tokens is kept as one dictionary and one array; no trie is built at start-up.
Imports the standard library and ``latefind`` only.
"""

import math
from array import array
from typing import Any

from latefind.tokenizer_fields import Fields
from latefind.tokenizer_models import CACHED_WORDS, Piece

UNKNOWN_PENALTY = 10.0
"""An unknown character scores this much below the worst token; SentencePiece's constant."""

CACHED_LENGTH = 64
"""Words up to this many characters are remembered: longer ones are whole sentences, which do not repeat."""


class Unigram:
    """Best segmentation by the sum of token scores."""

    def __init__(
        self, vocabulary: dict[str, int], scores: "array[float]", unknown: int, byte_fallback: bool
    ) -> None:
        self.vocabulary = vocabulary
        self._scores = scores
        self._unknown = unknown
        self._unknown_score = min(scores) - UNKNOWN_PENALTY
        self._longest_token = max(map(len, vocabulary))
        self._bytes: list[int | None] | None = None
        if byte_fallback:
            self._bytes = [vocabulary.get(f"<0x{byte:02X}>") for byte in range(256)]
        self._cache: dict[str, list[Piece]] = {}

    @classmethod
    def from_fields(cls, fields: Fields) -> "Unigram":
        """Read the model; the unknown token must be in the vocabulary."""
        vocabulary, scores = _read_vocabulary(fields)
        if fields.raw("unk_id") is None or fields.integer("unk_id") >= len(scores):
            fields.fail("unk_id", f"an id below {len(scores)}, the size of the vocabulary")
        if fields.raw("alpha"):
            fields.fail("alpha", "nothing", "Sampled segmentations are for training; remove it.")
        return cls(
            vocabulary, scores, fields.integer("unk_id"), fields.optional_flag("byte_fallback") or False
        )

    def tokenize(self, word: str) -> list[Piece]:
        """Return the tokens of a word; with byte fallback an unknown part becomes one token per byte."""
        found = self._cache.get(word)
        if found is None:
            found = self._resolve(word, self._segment(word))
            if len(word) <= CACHED_LENGTH:
                if len(self._cache) >= CACHED_WORDS:
                    self._cache.clear()
                self._cache[word] = found
        return found

    def _segment(self, word: str) -> list[Piece]:
        """Return the best path, each unknown character on its own."""
        length = len(word)
        find, scores, longest = self.vocabulary.get, self._scores, self._longest_token
        # By end position: the score of the best path up to there, its last token and where that starts.
        best = [0.0] * (length + 1)
        last = [self._unknown] * (length + 1)
        starts = [-1] * (length + 1)
        for start in range(length):
            score = best[start]
            for end in range(start + 1, min(start + longest, length) + 1):
                token = find(word[start:end])
                if token is not None:
                    candidate = scores[token] + score
                elif end == start + 1:
                    token, candidate = self._unknown, self._unknown_score + score
                else:
                    continue
                if candidate > best[end] or starts[end] < 0:
                    best[end], last[end], starts[end] = candidate, token, start
        path: list[Piece] = []
        end = length
        while end > 0:
            path.append((last[end], starts[end], end))
            end = starts[end]
        path.reverse()
        return path

    def _resolve(self, word: str, path: list[Piece]) -> list[Piece]:
        """Join runs of unknown tokens and look them up as a whole, as the library does."""
        if all(token != self._unknown for token, _, _ in path):
            return path
        pieces: list[Piece] = []
        index = 0
        while index < len(path):
            token, start, end = path[index]
            index += 1
            if token != self._unknown:
                pieces.append((token, start, end))
                continue
            while index < len(path) and path[index][0] == self._unknown:
                end = path[index][2]
                index += 1
            pieces += self._unknown_pieces(word[start:end], start, end)
        return pieces

    def _unknown_pieces(self, text: str, start: int, end: int) -> list[Piece]:
        known = self.vocabulary.get(text)
        if known is not None:
            return [(known, start, end)]
        if self._bytes is not None:
            tokens = [token for byte in text.encode() if (token := self._bytes[byte]) is not None]
            if len(tokens) == len(text.encode()):
                return [(token, start, end) for token in tokens]
        return [(self._unknown, start, end)]


def _read_vocabulary(fields: Fields) -> "tuple[dict[str, int], array[float]]":
    """Read the list of tokens and scores, in which the position is the id; no loop, for there are many."""
    expected = "a list of [token, finite score], not empty"
    entries: Any = fields.raw("vocab")
    if not isinstance(entries, list) or set(map(type, entries)) != {list} or set(map(len, entries)) != {2}:
        fields.fail("vocab", expected)
    tokens, numbers = zip(*entries, strict=True)
    if set(map(type, tokens)) != {str} or not set(map(type, numbers)) <= {float, int}:
        fields.fail("vocab", expected)
    try:
        scores = array("d", numbers)
        finite = math.isfinite(sum(numbers))
    except OverflowError:
        finite = False
    if not finite:
        fields.fail("vocab", expected)
    vocabulary = dict(zip(tokens, range(len(tokens)), strict=True))
    if len(vocabulary) != len(tokens):
        fields.fail("vocab", "every token once")
    return vocabulary, scores

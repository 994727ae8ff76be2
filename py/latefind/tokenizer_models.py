"""Models of ``tokenizer.json``: how one word becomes token ids."""

from collections.abc import Callable
from typing import Protocol

from latefind.tokenizer_fields import Fields, build

Piece = tuple[int, int, int]
"""A token of a word: id, and where it starts and ends in the word."""

CACHED_WORDS = 20_000
"""Distinct words whose tokens are remembered: about 8 MB at most, and words of ordinary text repeat."""


class TokenModel(Protocol):
    """Splits words into tokens of its vocabulary."""

    vocabulary: dict[str, int]

    def tokenize(self, word: str) -> list[Piece]:
        """Return the tokens of a word that is not empty."""
        ...


class WordPiece:
    """Greedy longest match from the left; a word with a part that is not in the vocabulary is unknown."""

    def __init__(self, vocabulary: dict[str, int], unknown: int, prefix: str, longest_word: int) -> None:
        self.vocabulary = vocabulary
        self._unknown = unknown
        self._prefix = prefix
        self._longest_word = longest_word
        self._longest_token = max(map(len, vocabulary))
        self._cache: dict[str, list[Piece]] = {}

    @classmethod
    def from_fields(cls, fields: Fields) -> "WordPiece":
        """Read the model; the unknown token must be in the vocabulary."""
        vocabulary = fields.vocabulary("vocab")
        unknown = fields.text("unk_token")
        if unknown not in vocabulary:
            fields.fail("unk_token", "a token of the vocabulary")
        return cls(
            vocabulary,
            vocabulary[unknown],
            fields.text("continuing_subword_prefix"),
            fields.integer("max_input_chars_per_word"),
        )

    def tokenize(self, word: str) -> list[Piece]:
        """Return the tokens of a word, or the unknown token for all of it."""
        found = self._cache.get(word)
        if found is None:
            found = self._match(word) or [(self._unknown, 0, len(word))]
            if len(self._cache) >= CACHED_WORDS:
                self._cache.clear()
            self._cache[word] = found
        return found

    def _match(self, word: str) -> list[Piece]:
        pieces: list[Piece] = []
        if len(word) > self._longest_word:
            return pieces
        start = 0
        prefix = ""
        while start < len(word):
            for end in range(min(len(word), start + self._longest_token), start, -1):
                token = self.vocabulary.get(prefix + word[start:end])
                if token is not None:
                    break
            else:
                return []
            pieces.append((token, start, end))
            start = end
            prefix = self._prefix
        return pieces


def _bpe(fields: Fields) -> TokenModel:
    from latefind.tokenizer_bpe import BytePairEncoding

    return BytePairEncoding.from_fields(fields)


def _unigram(fields: Fields) -> TokenModel:
    from latefind.tokenizer_unigram import Unigram

    return Unigram.from_fields(fields)


MODELS: dict[str, Callable[[Fields], TokenModel]] = {
    "BPE": _bpe,
    "Unigram": _unigram,
    "WordPiece": WordPiece.from_fields,
}
"""Models by ``type``; a further one is added here, and imports its module when it is called."""


def build_model(fields: Fields) -> TokenModel:
    """Return the model that ``fields`` describes, by its fields where an old file names no type."""
    if fields.raw("type") is None:
        for kind, mark in (("BPE", "merges"), ("WordPiece", "max_input_chars_per_word")):
            if fields.raw(mark) is not None:
                return MODELS[kind](fields)
        if isinstance(fields.raw("vocab"), list):
            return MODELS["Unigram"](fields)
    return build(fields, MODELS)

"""Byte-pair encoding: the model of RoBERTa's, ModernBERT's, Qwen's, Llama's and Gemma's tokenizers.

A word begins as its characters. Of all neighbouring pairs that the merges list, the one listed first is
joined, leftmost first, until none is left. The alphabet of byte-level tokenizers is bytes, spelled as
characters by :mod:`latefind.tokenizer_bytelevel`; to this module they are characters like any other.

Equal to the library also where a character is not in the vocabulary: bytes if ``byte_fallback`` finds all of
them, else the unknown token, which may come after bytes that follow it, else nothing, so that the offsets of
what follows move to the left. Merges with dropout are random, and refused.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Any

from latefind.errors import TokenizerError
from latefind.tokenizer_fields import Fields
from latefind.tokenizer_models import CACHED_WORDS, Piece
from latefind.tokenizer_text import byte_owners

LONGEST_CACHED = 48
"""Characters. Longer words seldom repeat, and where nothing splits text, a word is the whole of it."""

_GONE = -1
"""Stands in the place of a symbol that was joined to the one before."""


class BytePairEncoding:
    """Joins the pair that comes first in a list of merges, again and again."""

    def __init__(
        self,
        vocabulary: dict[str, int],
        merges: "Merges",
        unknown: int | None,
        *,
        prefix: str,
        suffix: str,
        fuse_unknown: bool,
        byte_fallback: bool,
        ignore_merges: bool,
    ) -> None:
        self.vocabulary = vocabulary
        self._merges = merges
        self._unknown = unknown
        self._prefix = prefix
        self._suffix = suffix
        self._fuse_unknown = fuse_unknown
        self._bytes = [vocabulary.get(f"<0x{byte:02X}>") for byte in range(256)] if byte_fallback else None
        self._ignore_merges = ignore_merges
        self._cache: dict[str, list[Piece]] = {}

    @classmethod
    def from_fields(cls, fields: Fields) -> "BytePairEncoding":
        """Read the model; merges may be spelled "a b" or ["a", "b"]."""
        vocabulary = fields.vocabulary("vocab")
        if len(set(vocabulary.values())) < len(vocabulary):
            fields.fail("vocab", "an id of its own for every token")
        if fields.raw("dropout") not in (None, 0):
            fields.fail("dropout", "null or 0", "Merges that are left out at random cannot be reproduced.")
        unknown = fields.optional_text("unk_token")
        if unknown is not None and unknown not in vocabulary:
            fields.fail("unk_token", "a token of the vocabulary")
        prefix = fields.optional_text("continuing_subword_prefix") or ""
        suffix = fields.optional_text("end_of_word_suffix") or ""
        byte_fallback = fields.optional_flag("byte_fallback") or False
        if byte_fallback and (prefix or suffix):
            # The library would make bytes of the prefix too, and offsets beyond the word.
            fields.fail("byte_fallback", "false beside a subword prefix or a word suffix")
        return cls(
            vocabulary,
            Merges.from_fields(fields, vocabulary, prefix),
            None if unknown is None else vocabulary[unknown],
            prefix=prefix,
            suffix=suffix,
            fuse_unknown=fields.optional_flag("fuse_unk") or False,
            byte_fallback=byte_fallback,
            ignore_merges=fields.optional_flag("ignore_merges") or False,
        )

    def tokenize(self, word: str) -> list[Piece]:
        """Return the tokens of a word; none where it has only characters that no token stands for."""
        found = self._cache.get(word)
        if found is None:
            found = self._split(word)
            if len(word) <= LONGEST_CACHED:
                if len(self._cache) >= CACHED_WORDS:
                    self._cache.clear()
                self._cache[word] = found
        return found

    def _split(self, word: str) -> list[Piece]:
        if self._ignore_merges and word in self.vocabulary:
            return [(self.vocabulary[word], 0, len(word))]
        symbols = self._symbols(word)
        ids, widths = [token for token, _ in symbols], [width for _, width in symbols]
        self._merges.apply(ids, widths)
        # As in the library, tokens lie end to end in the bytes of the word, whatever was left out.
        owners = byte_owners(word)
        pieces = []
        start = 0
        for token, width in zip(ids, widths, strict=True):
            if token != _GONE:
                pieces.append((token, owners[start], owners[start + width - 1] + 1))
                start += width
        return pieces

    def _symbols(self, word: str) -> list[tuple[int, int]]:
        """Return what the characters of ``word`` begin as: ids and widths in bytes."""
        symbols: list[tuple[int, int]] = []
        held: list[tuple[int, int]] = []  # An unknown token that may still grow.
        last = len(word) - 1
        for index, character in enumerate(word):
            width = len(character.encode())
            spelling = (self._prefix if index else "") + character + (self._suffix if index == last else "")
            token = self.vocabulary.get(spelling)
            if token is not None:
                symbols += held
                held = []
                symbols.append((token, width))
            elif fallback := self._fallback(character):
                # What is held stays behind: the library's own order.
                symbols += [(byte, 1) for byte in fallback]
            elif self._unknown is not None:
                if self._fuse_unknown:
                    held = [(self._unknown, width + sum(before for _, before in held))]
                else:
                    symbols += held
                    held = [(self._unknown, width)]
        return symbols + held

    def _fallback(self, character: str) -> list[int]:
        """Return a token for each byte, or nothing where a byte has none."""
        if self._bytes is None:
            return []
        tokens = [self._bytes[byte] for byte in character.encode()]
        return [token for token in tokens if token is not None] if None not in tokens else []


class Merges:
    """Pairs of tokens that are joined, in order.

    A pair is one integer, its left id shifted past all bits of its right one: half the memory of a tuple,
    which counts with 50,000 to 500,000 of them.
    """

    def __init__(self, ranks: dict[int, int], merged: Sequence[int], shift: int) -> None:
        self._ranks = ranks
        self._merged = merged
        self._shift = shift

    @classmethod
    def from_fields(cls, fields: Fields, vocabulary: dict[str, int], prefix: str) -> "Merges":
        """Read ``merges``; both tokens of each and their join must be in the vocabulary."""
        merges = fields.raw("merges")
        if not isinstance(merges, list):
            fields.fail("merges", 'a list of "a b" or of ["a", "b"]')
        shift = max(vocabulary.values()).bit_length()
        cut = len(prefix)
        try:
            pairs = _pairs(merges)
            keys = [vocabulary[left] << shift | vocabulary[right] for left, right in pairs]
            # The library cuts as many bytes off the right token, whatever they are.
            if prefix and not all(right.startswith(prefix) for _, right in pairs):
                raise ValueError
            merged = [vocabulary[left + right[cut:]] for left, right in pairs]
        except (KeyError, TypeError, ValueError) as error:
            raise _fault(fields, merges, vocabulary, prefix) from error
        return cls(dict(zip(keys, range(len(keys)), strict=True)), merged, shift)

    def apply(self, ids: list[int], widths: list[int]) -> None:
        """Join the symbols ``ids`` in place: what is joined to its left neighbour becomes ``_GONE``."""
        count = len(ids)
        shift = self._shift
        find = self._ranks.get
        following = list(range(1, count + 1))
        preceding = list(range(-1, count - 1))
        # An entry is rank * count + position, so the smallest is the first merge, leftmost.
        queue = [
            rank * count + position
            for position, (left, right) in enumerate(pairwise(ids))
            if (rank := find(left << shift | right)) is not None
        ]
        heapify(queue)
        while queue:
            rank, position = divmod(heappop(queue), count)
            neighbour = following[position]
            # An entry is outdated once either symbol was joined to another.
            if neighbour == count or find(ids[position] << shift | ids[neighbour]) != rank:
                continue
            joined = ids[position] = self._merged[rank]
            widths[position] += widths[neighbour]
            ids[neighbour] = _GONE
            after = following[position] = following[neighbour]
            if after < count:
                preceding[after] = position
                if (rank_after := find(joined << shift | ids[after])) is not None:
                    heappush(queue, rank_after * count + position)
            before = preceding[position]
            if before >= 0 and (rank_before := find(ids[before] << shift | joined)) is not None:
                heappush(queue, rank_before * count + before)


def _pairs(merges: list[Any]) -> list[list[str]]:
    """Return both tokens of each merge. The library refuses a list that mixes spellings, so we do."""
    if all(isinstance(merge, str) for merge in merges):
        return [merge.split(" ") for merge in merges if not merge.startswith("#version")]
    if not all(isinstance(merge, list) for merge in merges):
        raise TypeError
    return merges


def _fault(fields: Fields, merges: list[Any], vocabulary: dict[str, int], prefix: str) -> TokenizerError:
    """Return the error for the first merge that cannot be read."""

    def is_sound(merge: Any) -> bool:
        if type(merge) is not type(merges[0]):
            return False
        if isinstance(merge, str):
            if merge.startswith("#version"):
                return True
            merge = merge.split(" ")
        if (
            not isinstance(merge, list)
            or len(merge) != 2
            or not all(isinstance(token, str) for token in merge)
        ):
            return False
        left, right = merge
        joined = left + right[len(prefix) :]
        return right.startswith(prefix) and {left, right, joined} <= vocabulary.keys()

    index = next(index for index, merge in enumerate(merges) if not is_sound(merge))
    return TokenizerError.expected(
        f"{fields.where}: merges[{index}]",
        "two tokens, spelled as in the first merge, that the vocabulary has, and their join too",
        repr(merges[index])[:80],
        "Export the model again.",
    )

"""A WordPiece vocabulary seen from training: words out of ids, ids out of words, quickly and both ways.

Training text is packed as the ids of one vocabulary. Ids give the words back as the tokenizer saw them (in
lower case, without accents), so queries can be varied word by word, and another vocabulary can cut the same
words into its own pieces: text need not be packed again for it.
"""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from latefind.errors import ModelError

CONTINUES = "##"
Ids = npt.NDArray[np.uint16]
Word = str | tuple[int, ...]
"""A word as text; where it holds an unknown piece and so cannot be read, its ids in the packed vocabulary."""


class WordPiece:
    """The tokenizer of a checkpoint's folder, without padding and truncation.

    Raises
    ------
    ModelError
        The tokenizer is no WordPiece, or has more pieces than 16 bits can number.
    """

    def __init__(self, path: Path) -> None:
        content = json.loads(path.read_text("utf-8"))
        kind = content["model"].get("type")
        if kind != "WordPiece":
            raise ModelError.expected(path, "a WordPiece tokenizer", str(kind), "Training packs its words.")
        self.tokenizer = Tokenizer.from_file(str(path))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        size = self.tokenizer.get_vocab_size()
        if size > 2**16:
            raise ModelError.expected(path, "at most 65,536 pieces", str(size))
        self.pieces = [self.tokenizer.id_to_token(number) or "" for number in range(size)]
        self.unknown = self._id("[UNK]")
        self.cls, self.sep = self._id("[CLS]"), self._id("[SEP]")
        self.pad, self.mask = self._id("[PAD]"), self._id("[MASK]")
        self._ids_of = lru_cache(maxsize=200_000)(self._encode_word)

    def _id(self, piece: str) -> int:
        number = self.tokenizer.token_to_id(piece)
        if number is None:
            raise ModelError.expected("tokenizer.json", f"the piece {piece}", "none")
        return int(number)

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """Return the ids of each text, without [CLS] and [SEP]."""
        found = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, np.uint16) for encoding in found]

    def words(self, ids: Iterable[int]) -> list[Word]:
        """Return the words that ``ids`` make up."""
        found: list[list[int]] = []
        for number in ids:
            if found and self.pieces[number].startswith(CONTINUES):
                found[-1].append(int(number))
            else:
                found.append([int(number)])
        return [self._word(tuple(word)) for word in found]

    def _word(self, ids: tuple[int, ...]) -> Word:
        if self.unknown in ids:
            return ids
        return "".join(self.pieces[number].removeprefix(CONTINUES) for number in ids)

    def pieces_of(self, word: Word) -> tuple[int, ...]:
        """Return the ids of one word; of a word that cannot be read, one unknown piece."""
        return self._ids_of(word) if isinstance(word, str) else (self.unknown,)

    def _encode_word(self, word: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(word, add_special_tokens=False).ids)

    def ids(self, words: Iterable[Word]) -> list[int]:
        """Return the ids of words in a row."""
        return [number for word in words for number in self.pieces_of(word)]

    def lengths(self, ids: Sequence[int]) -> list[int]:
        """Return how many characters of its word each piece covers; an unknown one covers none."""
        return [
            0 if number == self.unknown else len(self.pieces[number].removeprefix(CONTINUES))
            for number in ids
        ]

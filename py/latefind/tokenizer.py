"""Interpreter of Hugging Face's ``tokenizer.json``, equal id for id and offset for offset to ``tokenizers``.

The ``tokenizers`` library is Rust and has no build for Pyodide, so the browser needs this. The builder could
use the library, but queries and documents must be cut alike, so both use this. A file is a pipeline::

    text ─ added tokens ─ normalizer ─ pre-tokenizer ─ model ─ truncation ─ post-processor ─ ids, offsets

Each stage is chosen by the ``type`` in the file from a table in its own module (``tokenizer_*.py``), and a
type that is in no table is refused with :class:`~latefind.errors.TokenizerError`, because a pipeline that is
nearly right returns wrong ids without a sound. Supported: BERT's WordPiece, SentencePiece's Unigram, and
byte-pair encoding, byte-level or with bytes to fall back on, each with its usual companions. A module that
not every tokenizer needs is imported when a file asks for it.

Differences from the library, all on input that it rejects or answers at random:

- a lone surrogate, which a JavaScript string may hold, counts as U+FFFD; the library refuses such a string;
- ``max_length`` below the number of special tokens is an error; the library does not truncate then;
- two added tokens that are equal once normalized are an error; the library picks one of them at random.

The ``truncation`` and ``padding`` of the file are ignored: lengths are the model settings' business.
Imports the standard library and ``latefind`` only.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from latefind.errors import TokenizerError
from latefind.tokenizer_added import AddedToken, AddedTokens, assign_ids
from latefind.tokenizer_fields import Fields, build, read_float
from latefind.tokenizer_models import TokenModel, build_model
from latefind.tokenizer_normalizers import NORMALIZERS, Normalizer
from latefind.tokenizer_pretokenizers import PRE_TOKENIZERS, PreTokenizer
from latefind.tokenizer_processors import PROCESSORS, Template
from latefind.tokenizer_text import AlignedText

_SURROGATES = re.compile("[\ud800-\udfff]")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Encoding:
    """The tokens of a text.

    Attributes
    ----------
    ids : list of int
        Token ids, special tokens included.
    offsets : list of (int, int)
        For each token the range of code points in the text as given; (0, 0) for special tokens that the
        post-processor added.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]


class Tokenizer:
    """Turns text into token ids."""

    def __init__(
        self,
        model: TokenModel,
        added_tokens: list[AddedToken],
        normalizer: Normalizer | None,
        pre_tokenizer: PreTokenizer | None,
        template: Template,
        where: str,
    ) -> None:
        added = assign_ids(added_tokens, model.vocabulary)
        self._model = model
        self._added = AddedTokens(added, normalizer, where)
        self._added_ids = {token.content: token_id for token_id, token in added.items()}
        self._pre_tokenizer = pre_tokenizer
        self._template = template
        self._where = where

    @classmethod
    def from_json(cls, data: bytes | str, where: str = "tokenizer.json") -> "Tokenizer":
        """Read a ``tokenizer.json``.

        Parameters
        ----------
        data : bytes or str
            The file's content.
        where : str
            The file's name, for messages.

        Raises
        ------
        TokenizerError
            The file is malformed, or has a component that this module does not reproduce.
        """
        try:
            content = json.loads(data, parse_float=read_float)
        except (ValueError, RecursionError) as error:
            raise TokenizerError.expected(where, "JSON", str(error), "Export the model again.") from error
        fields = Fields(content, where)
        template = _optional(fields, "post_processor", PROCESSORS) or Template()
        if template.trimmers and fields.child("model").raw("type") == "Unigram":
            # There the library trims by the text of a token, here by its spelling in the vocabulary.
            fields.child("post_processor").fail("trim_offsets", "false beside a Unigram model")
        return cls(
            model=build_model(fields.child("model")),
            added_tokens=[
                AddedToken.from_fields(item)
                for item in (fields.children("added_tokens") if fields.raw("added_tokens") else [])
            ],
            normalizer=_optional(fields, "normalizer", NORMALIZERS),
            pre_tokenizer=_optional(fields, "pre_tokenizer", PRE_TOKENIZERS),
            template=template,
            where=where,
        )

    @property
    def vocab_size(self) -> int:
        """Number of tokens, added ones included."""
        vocabulary = self._model.vocabulary
        return len(vocabulary) + sum(token not in vocabulary for token in self._added_ids)

    def token_to_id(self, token: str) -> int | None:
        """Return the id of a token as the vocabulary spells it, or None."""
        found = self._added_ids.get(token)
        return self._model.vocabulary.get(token) if found is None else found

    def encode(
        self, text: str, *, max_length: int | None = None, add_special_tokens: bool = True
    ) -> Encoding:
        """Return the tokens of ``text``.

        Parameters
        ----------
        text : str
            Any string. Added tokens in it, such as a literal ``[MASK]``, become their ids.
        max_length : int or None
            Tokens to keep, special tokens included; those of the text are cut on the right.
        add_special_tokens : bool
            Whether to apply the post-processor.
        """
        ids, offsets, found = self._tokenize(_SURROGATES.sub("\ufffd", text))
        special = self._template.added if add_special_tokens else 0
        if max_length is not None:
            if max_length < special:
                raise TokenizerError.expected(
                    "max_length",
                    f"at least {special}, the special tokens of {self._where}",
                    str(max_length),
                )
            del ids[max_length - special :], offsets[max_length - special :]
        for trimmer in self._template.trimmers:
            offsets = trimmer.trim(ids, offsets, found, self._model.vocabulary)
        result = Encoding([], [])
        for part in self._template.parts:
            if part is None:
                result.ids.extend(ids)
                result.offsets.extend(offsets)
            elif add_special_tokens:
                result.ids.extend(part)
                result.offsets.extend([(0, 0)] * len(part))
        return result

    def _tokenize(self, text: str) -> tuple[list[int], list[tuple[int, int]], dict[int, str]]:
        """Return ids and offsets, and by position the text of each added token that was found."""
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        found: dict[int, str] = {}
        for piece, token_id in self._added.split(AlignedText.original(text)):
            if token_id is not None:
                found[len(ids)] = piece.text
                ids.append(token_id)
                offsets.append(piece.offsets(0, len(piece.text)))
                continue
            for word in self._pre_tokenizer.split(piece) if self._pre_tokenizer else [piece]:
                for token, start, end in self._model.tokenize(word.text):
                    ids.append(token)
                    offsets.append(word.offsets(start, end))
        return ids, offsets, found


def _optional(fields: Fields, name: str, components: Mapping[str, Callable[[Fields], _T]]) -> _T | None:
    return None if fields.raw(name) is None else build(fields.child(name), components)

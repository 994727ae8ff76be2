"""A model bundle's settings and its token plans: what goes into the encoder, and which outputs count.

A bundle is a folder with ``model.onnx``, ``tokenizer.json`` and ``latefind.json``; this module reads the
last two. The plans reproduce PyLate's semantics (``docs/models.md``): a text is stripped of white space at
its ends; a query is tokenised to one less than its length, the prefix id is inserted at position 1, and with
expansion the query is padded to its length with the mask token, whose outputs are scored whether or not they
are attended to. Document positions are scored where the attention mask is 1 and the id is not in the
skiplist.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from latefind.errors import ModelError, VersionError
from latefind.tokenizer import Encoding, Tokenizer

BUNDLE_VERSION = 1
"""Version of ``latefind.json``; independent of the package's version and of the index format's."""

MAX_LENGTH = 8192
"""Longest query or document that a bundle may ask for, in tokens."""


Span = tuple[int, int]
"""Code points of a text, from the first up to the second."""

NOWHERE = (0, 0)
"""Span of a token that stands for no part of the text: special tokens, the prefix, expansion."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """Query expansion: pad with ``token_id`` to the query length and score the padding too."""

    enabled: bool
    token_id: int
    attend: bool


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """``latefind.json``, checked.

    Attributes
    ----------
    dimensions : int
        Width of a token embedding after the head.
    query_prefix_id, document_prefix_id : int or None
        Inserted at position 1 (after [CLS]); None where the model has no prefixes.
    query_length, document_length : int
        Tokens, special tokens and prefix included.
    skiplist : frozenset of int
        Ids whose document embeddings are not stored.
    """

    name: str
    license: str
    languages: tuple[str, ...]
    dimensions: int
    quantization: str
    query_prefix_id: int | None
    query_length: int
    expansion: Expansion
    document_prefix_id: int | None
    document_length: int
    skiplist: frozenset[int]


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """One encoder input: ``ids`` and ``mask``, int64 (n,), and which outputs are kept, bool (n,)."""

    ids: npt.NDArray[np.int64]
    mask: npt.NDArray[np.int64]
    scored: npt.NDArray[np.bool_]


class Model:
    """Settings and tokenizer of one bundle: turns text into token plans."""

    def __init__(self, spec: ModelSpec, tokenizer: Tokenizer) -> None:
        self.spec = spec
        self.tokenizer = tokenizer

    @classmethod
    def from_bytes(cls, settings: bytes, tokenizer: bytes) -> "Model":
        """Read the bytes of ``latefind.json`` and ``tokenizer.json``."""
        return cls(read_spec(settings), Tokenizer.from_json(tokenizer))

    def plan_query(self, text: str) -> TokenPlan:
        """Return the plan of a query: (query_length,) with expansion, else as long as its tokens."""
        spec = self.spec
        ids = self._tokenize(text, spec.query_length, spec.query_prefix_id)
        used = len(ids)
        if not spec.expansion.enabled:
            return _plan(ids, np.ones(used, np.int64), np.ones(used, np.bool_))
        padding = spec.query_length - used
        mask = np.ones(spec.query_length, np.int64)
        if not spec.expansion.attend:
            mask[used:] = 0
        ids = ids + [spec.expansion.token_id] * padding
        return _plan(ids, mask, np.ones(spec.query_length, np.bool_))

    def plan_document(self, text: str) -> TokenPlan:
        """Return the plan of a document, as long as its tokens; skiplist ids are not scored."""
        return plan_document_ids(
            self.spec, self._tokenize(text, self.spec.document_length, self.spec.document_prefix_id)
        )

    def query_spans(self, text: str) -> list[Span]:
        """Return which code points of ``text`` each scored row of its plan stands for; (0, 0) for none."""
        spec = self.spec
        spans = self._locate(text, self._encode(text, spec.query_length, spec.query_prefix_id))
        spans = _insert_prefix_span(spans, spec.query_prefix_id)
        padding = spec.query_length - len(spans) if spec.expansion.enabled else 0
        return spans + [NOWHERE] * padding

    def locate_document(self, text: str) -> tuple[TokenPlan, list[Span]]:
        """Return the plan of a document, and the code points that each of its scored rows stands for."""
        spec = self.spec
        encoding = self._encode(text, spec.document_length, spec.document_prefix_id)
        plan = plan_document_ids(spec, insert_prefix(encoding.ids, spec.document_prefix_id))
        spans = _insert_prefix_span(self._locate(text, encoding), spec.document_prefix_id)
        return plan, [span for span, kept in zip(spans, plan.scored.tolist(), strict=True) if kept]

    def _tokenize(self, text: str, length: int, prefix_id: int | None) -> list[int]:
        return insert_prefix(self._encode(text, length, prefix_id).ids, prefix_id)

    def _encode(self, text: str, length: int, prefix_id: int | None) -> Encoding:
        # PyLate strips texts; vocabularies that keep spaces would otherwise give other ids.
        return self.tokenizer.encode(text.strip(), max_length=length - (prefix_id is not None))

    @staticmethod
    def _locate(text: str, encoding: Encoding) -> list[Span]:
        """Return the encoding's offsets in ``text`` as it was before it was stripped."""
        shift = len(text) - len(text.lstrip())
        return [(start + shift, end + shift) if end > start else NOWHERE for start, end in encoding.offsets]


def _insert_prefix_span(spans: list[Span], prefix_id: int | None) -> list[Span]:
    return spans if prefix_id is None else [*spans[:1], NOWHERE, *spans[1:]]


def insert_prefix(ids: list[int], prefix_id: int | None) -> list[int]:
    """Return ``ids`` with the prefix at position 1, after [CLS]; unchanged where the model has none."""
    return ids if prefix_id is None else [*ids[:1], prefix_id, *ids[1:]]


def plan_document_ids(spec: ModelSpec, ids: list[int]) -> TokenPlan:
    """Return the plan of a document that is already tokenised, prefix included."""
    scored = np.array([token not in spec.skiplist for token in ids], np.bool_)
    return _plan(ids, np.ones(len(ids), np.int64), scored)


def _plan(ids: list[int], mask: npt.NDArray[np.int64], scored: npt.NDArray[np.bool_]) -> TokenPlan:
    return TokenPlan(np.array(ids, np.int64), mask, scored)


def read_spec(settings: bytes, where: str = "latefind.json") -> ModelSpec:
    """Parse and check ``latefind.json``.

    Raises
    ------
    VersionError
        The bundle has a version that this code does not read.
    ModelError
        A field is missing or out of range; the message names it.
    """
    try:
        data = json.loads(settings)
    except ValueError as error:
        raise ModelError.expected(where, "JSON", str(error), "Export the model again.") from error
    if not isinstance(data, dict):
        raise ModelError.expected(where, "a JSON object", type(data).__name__, "Export the model again.")
    version = data.get("version")
    if version != BUNDLE_VERSION:
        raise VersionError.expected(
            where, f"bundle version {BUNDLE_VERSION}", repr(version), "Export the model with this latefind."
        )
    read = _Fields(data, where)
    return ModelSpec(
        name=read.text("name"),
        license=read.text("license"),
        languages=tuple(read.texts("languages")),
        dimensions=read.integer("dimensions", 1, 4096),
        quantization=read.text("quantization"),
        query_prefix_id=read.optional_id("query.prefix_id"),
        query_length=read.integer("query.length", 3, MAX_LENGTH),
        expansion=Expansion(
            enabled=read.flag("query.expansion.enabled"),
            token_id=read.integer("query.expansion.token_id", 0, 2**31),
            attend=read.flag("query.expansion.attend"),
        ),
        document_prefix_id=read.optional_id("document.prefix_id"),
        document_length=read.integer("document.length", 3, MAX_LENGTH),
        skiplist=frozenset(read.ids("document.skiplist")),
    )


class _Fields:
    """Typed access to nested fields of ``latefind.json`` by dotted path, with errors that name them."""

    def __init__(self, data: Mapping[str, Any], where: str) -> None:
        self._data = data
        self._where = where

    def _get(self, path: str) -> Any:
        value: Any = self._data
        for key in path.split("."):
            if not isinstance(value, dict) or key not in value:
                raise ModelError.expected(
                    f"{self._where}: {path}", "a value", "nothing", "Export the model again."
                )
            value = value[key]
        return value

    def _fail(self, path: str, expected: str, value: object) -> ModelError:
        return ModelError.expected(f"{self._where}: {path}", expected, repr(value), "Export the model again.")

    def text(self, path: str) -> str:
        value = self._get(path)
        if not isinstance(value, str):
            raise self._fail(path, "a string", value)
        return value

    def texts(self, path: str) -> list[str]:
        value = self._get(path)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._fail(path, "a list of strings", value)
        return value

    def flag(self, path: str) -> bool:
        value = self._get(path)
        if not isinstance(value, bool):
            raise self._fail(path, "true or false", value)
        return value

    def integer(self, path: str, low: int, high: int) -> int:
        value = self._get(path)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self._fail(path, f"an integer from {low} to {high}", value)
        return value

    def optional_id(self, path: str) -> int | None:
        return None if self._get(path) is None else self.integer(path, 0, 2**31)

    def ids(self, path: str) -> list[int]:
        value = self._get(path)
        if not isinstance(value, list) or not all(isinstance(item, int) and item >= 0 for item in value):
            raise self._fail(path, "a list of token ids", value)
        return value

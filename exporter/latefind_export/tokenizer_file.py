"""The bundle's tokenizer, and the settings that depend on its ids.

The tokenizer is the one that transformers makes of the checkpoint's files, because that is what PyLate and
sentence-transformers use: ``tokenizer_config.json`` can add tokens to ``tokenizer.json`` and change its
normaliser, and where that file is missing, transformers converts the vocabulary. It is checked against
:mod:`latefind.tokenizer`, so a component that the browser could not reproduce is refused here, by name.

``do_lower_case`` of sentence-transformers 5 lowercases the text before the tokenizer sees it. Here, as in
version 6, a normaliser does that; it differs in two ways only: an added token written in a text, such as
``[MASK]``, is still found, and a final sigma becomes σ.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as ReferenceTokenizer
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging

from latefind.errors import ModelError, TokenizerError
from latefind.model import MAX_LENGTH
from latefind.tokenizer import Tokenizer
from latefind_export.checkpoint import Checkpoint
from latefind_export.encoders import longest_input
from latefind_export.layout_files import UNLIMITED, Config
from latefind_export.plans import load_tokenizer, render_tokenizer
from latefind_export.settings import ExpansionSettings, Settings, Side

LONGEST_REASON = 300
"""Characters of transformers' own message that are passed on."""

NAMELESS = ("TokenizersBackend", "PreTrainedTokenizerFast")
"""Classes that say nothing beyond ``tokenizer.json``; the first is transformers 5's name of the second."""


@dataclass(frozen=True, slots=True)
class _SpecialTokens:
    """Tokens by role: what queries are expanded with, and what stands for unknown words."""

    expansion: str | None
    unknown: str | None


def prepare_tokenizer(checkpoint: Checkpoint, target: Path) -> None:
    """Write the checkpoint's tokenizer to ``target``, without truncation, padding and indentation.

    Raises
    ------
    TokenizerError
        The checkpoint has no tokenizer, or it has a component that :mod:`latefind.tokenizer` lacks.
    """
    tokenizer = load_checkpoint_tokenizer(checkpoint)
    if checkpoint.layout in ("pylate", "stanford"):
        # PyLate adds the prefixes as tokens, so that one written in a text becomes its id too.
        vocabulary = tokenizer.get_vocab()
        tokenizer.add_tokens([prefix for prefix in _prefixes(checkpoint) if prefix in vocabulary])
    data = json.loads(tokenizer.backend_tokenizer.to_str())
    if checkpoint.semantics.lowercase:
        data["normalizer"] = _lowercased(data.get("normalizer"))
    text = render_tokenizer(data)
    Tokenizer.from_json(text, f"{checkpoint.source}: tokenizer.json")
    target.write_text(text, encoding="utf-8")


def settle(checkpoint: Checkpoint, tokenizer_json: Path, dimensions: int, expand: bool) -> Settings:
    """Return the settings of a bundle: texts of the checkpoint turned into ids, lengths into possible ones.

    Parameters
    ----------
    tokenizer_json : Path
        What :func:`prepare_tokenizer` wrote.
    dimensions : int
        Width of a token embedding behind the head.
    expand : bool
        Whether queries are expanded; the checkpoint's own word, or what was measured.

    Raises
    ------
    ModelError
        A prefix or the expansion's token is no token of the checkpoint, or the transformer has fewer
        embeddings than the tokenizer has tokens.
    """
    tokenizer = load_tokenizer(tokenizer_json)
    special = _special_tokens(load_checkpoint_tokenizer(checkpoint))
    config = _load_config(checkpoint)
    _check_embeddings(checkpoint, tokenizer, config)
    semantics = checkpoint.semantics
    longest = min(longest_input(config) or MAX_LENGTH, MAX_LENGTH)
    asked = {"query": semantics.query_length, "document": semantics.document_length}
    notes = [
        f"{side}s are cut at {longest:,} tokens, not at {length:,}: the transformer has no more positions"
        for side, length in asked.items()
        if longest < length < UNLIMITED
    ]
    query = _side(checkpoint, tokenizer, semantics.query_prefix, min(asked["query"], longest))
    document = _side(checkpoint, tokenizer, semantics.document_prefix, min(asked["document"], longest))
    expansion = _expansion_id(checkpoint, tokenizer, special, expand)
    return Settings(
        name=checkpoint.card.name,
        license=checkpoint.card.license,
        languages=checkpoint.card.languages,
        dimensions=dimensions,
        query=query,
        expansion=ExpansionSettings(expand, expansion, expand and semantics.attend),
        document=document,
        skiplist=_skiplist(checkpoint, tokenizer, special.unknown),
        source=checkpoint.source,
        layout=checkpoint.layout,
        notes=tuple(notes),
    )


def load_checkpoint_tokenizer(checkpoint: Checkpoint) -> Any:
    """Return the tokenizer that transformers makes of the checkpoint's files.

    Raises
    ------
    TokenizerError
        There is none, or it cannot be converted, or it cuts or pads on the left.
    """
    logging.set_verbosity_error()  # it tells how to use the tokenizer; nothing about this one
    where, options = checkpoint.folder, {"trust_remote_code": checkpoint.trust_remote_code}
    try:
        tokenizer = _load(where, options)
    except Exception as error:  # the converters of transformers fail in ways of their own
        raise TokenizerError.expected(
            where,
            "tokenizer.json, or a vocabulary that transformers can convert",
            " ".join(str(error).split())[:LONGEST_REASON],
            "Save the checkpoint with tokenizer.json: load it with AutoTokenizer and use save_pretrained.",
        ) from error
    if not tokenizer.is_fast:
        raise TokenizerError.expected(
            where, "tokenizer.json", f"{type(tokenizer).__name__}, which has no such form"
        )
    for name in ("truncation_side", "padding_side"):
        if getattr(tokenizer, name) != "right":
            raise TokenizerError.expected(f"{where}: {name}", "right", getattr(tokenizer, name))
    return tokenizer


def _load(folder: Path, options: dict[str, bool]) -> Any:
    written = Config.read(folder / "tokenizer_config.json", optional=True).raw("tokenizer_class")
    if written in NAMELESS and (folder / "tokenizer.json").is_file():
        return PreTrainedTokenizerFast.from_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder, **options)


def _lowercased(normalizer: dict[str, Any] | None) -> dict[str, Any]:
    """Return a normaliser that lowercases first, then does what the given one does."""
    lowercase = {"type": "Lowercase"}
    if normalizer is None:
        return lowercase
    steps = normalizer["normalizers"] if normalizer["type"] == "Sequence" else [normalizer]
    if any(step["type"] == "Lowercase" or step.get("lowercase") for step in steps):
        return normalizer
    return {"type": "Sequence", "normalizers": [lowercase, *steps]}


def _special_tokens(tokenizer: Any) -> _SpecialTokens:
    return _SpecialTokens(
        expansion=tokenizer.mask_token or tokenizer.eos_token or tokenizer.pad_token,
        unknown=tokenizer.unk_token,
    )


def _load_config(checkpoint: Checkpoint) -> dict[str, Any]:
    config = AutoConfig.from_pretrained(checkpoint.folder, trust_remote_code=checkpoint.trust_remote_code)
    fields: dict[str, Any] = config.to_dict()
    return fields


def _check_embeddings(checkpoint: Checkpoint, tokenizer: ReferenceTokenizer, config: dict[str, Any]) -> None:
    rows = config.get("vocab_size")
    largest = max(tokenizer.get_vocab(with_added_tokens=True).values())
    if isinstance(rows, int) and largest >= rows:
        raise ModelError.expected(
            checkpoint.source,
            f"an embedding for each of the tokenizer's {largest + 1:,} tokens",
            f"{rows:,} embeddings",
            "The tokenizer belongs to another checkpoint, or tokens were added without training.",
        )


def _side(checkpoint: Checkpoint, tokenizer: ReferenceTokenizer, prefix: str | None, length: int) -> Side:
    shortest = tokenizer.num_special_tokens_to_add(False) + (prefix is not None) + 1
    if length < shortest:
        raise ModelError.expected(
            checkpoint.source,
            f"lengths from {shortest} tokens, special ones included",
            str(length),
            "Choose with --query-length and --document-length.",
        )
    if prefix is None:
        return Side(None, None, length)
    if checkpoint.layout == "multi-vector":
        # Here a prefix is text in front of the text; what becomes one token can be inserted as one.
        ids = tokenizer.encode(prefix, add_special_tokens=False).ids
        found = ids[0] if len(ids) == 1 else None
    else:
        found = tokenizer.token_to_id(prefix)
    if found is None:
        raise ModelError.expected(
            checkpoint.source,
            f"the prefix {prefix!r} as one token of its vocabulary",
            "none",
            "As a new token its embedding would be random: name the prefixes that the model was trained with "
            '(--query-prefix, --document-prefix), or "" for none.',
        )
    return Side(prefix, found, length)


def _expansion_id(
    checkpoint: Checkpoint, tokenizer: ReferenceTokenizer, special: _SpecialTokens, expand: bool
) -> int:
    token = checkpoint.semantics.expansion_token or special.expansion
    found: int | None = None if token is None else tokenizer.token_to_id(token)
    if found is None and expand:
        raise ModelError.expected(
            checkpoint.source,
            "a token to expand queries with: a mask token, else an end-of-sequence token",
            repr(token) if token else "none",
            "Switch expansion off with --query-expansion off.",
        )
    return found or 0


def _skiplist(checkpoint: Checkpoint, tokenizer: ReferenceTokenizer, unknown: str | None) -> tuple[int, ...]:
    # PyLate takes the unknown token's id for a word that is no token, and so skips unknown words too;
    # sentence-transformers 6 drops such a word.
    fallback = None
    if unknown is not None and checkpoint.layout != "multi-vector":
        fallback = tokenizer.token_to_id(unknown)
    found = (tokenizer.token_to_id(word) for word in checkpoint.semantics.skiplist_words)
    ids = (fallback if token_id is None else token_id for token_id in found)
    return tuple(sorted({token_id for token_id in ids if token_id is not None}))


def _prefixes(checkpoint: Checkpoint) -> list[str]:
    both = (checkpoint.semantics.query_prefix, checkpoint.semantics.document_prefix)
    return [prefix for prefix in both if prefix is not None]

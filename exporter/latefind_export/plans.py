"""Token plans made with the ``tokenizers`` library: the reference that ``latefind.model`` is tested against.

The rules are PyLate's: strip white space around the text, tokenise to one less than the length where there
is a prefix, insert the prefix id at position 1, and with expansion pad the query to its length with the
expansion token.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tokenizers import Tokenizer

from latefind_export.settings import Settings

Kind = Literal["query", "document"]


@dataclass(frozen=True, slots=True)
class ReferencePlan:
    """Ids, attention mask, and which outputs count, each as long as the others."""

    ids: list[int]
    mask: list[int]
    scored: list[bool]


def load_tokenizer(path: Path) -> Tokenizer:
    """Load ``tokenizer.json`` with its truncation and padding switched off: plans set their own lengths."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def write_tokenizer(source: Path, target: Path) -> None:
    """Copy ``tokenizer.json`` without truncation, padding and indentation."""
    target.write_text(render_tokenizer(json.loads(source.read_text(encoding="utf-8"))), encoding="utf-8")


def render_tokenizer(data: Mapping[str, Any]) -> str:
    """Return the text of a ``tokenizer.json`` without truncation, padding and indentation."""
    plain = {**data, "truncation": None, "padding": None}
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def plan(tokenizer: Tokenizer, settings: Settings, kind: Kind, text: str) -> ReferencePlan:
    """Return the plan of one query or document."""
    side = settings.query if kind == "query" else settings.document
    prefix = [] if side.prefix_id is None else [side.prefix_id]
    tokenizer.enable_truncation(side.length - len(prefix))
    ids = tokenizer.encode(text.strip()).ids
    ids = [*ids[:1], *prefix, *ids[1:]]
    mask = [1] * len(ids)
    if kind == "document":
        return ReferencePlan(ids, mask, [token not in settings.skiplist for token in ids])
    if settings.expansion.enabled:
        padding = side.length - len(ids)
        ids += [settings.expansion.token_id] * padding
        mask += [int(settings.expansion.attend)] * padding
    return ReferencePlan(ids, mask, [True] * len(ids))

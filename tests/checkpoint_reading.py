"""Reading a checkpoint in tests, and nothing else of an export; and changing one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from latefind_export import plans
from latefind_export.checkpoint import Checkpoint
from latefind_export.hub import locate
from latefind_export.plans import Kind, ReferencePlan
from latefind_export.read_checkpoint import Overrides, read_checkpoint
from latefind_export.settings import Settings
from latefind_export.tokenizer_file import prepare_tokenizer, settle

TEXTS = (
    "Mars is the Red Planet.",
    "",
    "  white space around, and\ta tab\n",
    "a [MASK] and a [SEP] written out",
    "[Q] with its prefix, [D] with the other; [unused0] too",
    "[q] in lower case",
    "a question that is much longer than the query length allows " * 8,
    "naïve Straße Ğ 日本語 🔎 …",
)


def read(folder: Path, **overrides: Any) -> Checkpoint:
    return read_checkpoint(locate(str(folder)), Overrides(**overrides))


def edit(path: Path, **fields: object) -> None:
    """Set fields of a JSON file; None removes one."""
    data = {**json.loads(path.read_text(encoding="utf-8")), **fields}
    path.write_text(json.dumps({key: value for key, value in data.items() if value is not None}))


def planner(
    checkpoint: Checkpoint, folder: Path, expand: bool | None = None
) -> tuple[Settings, Callable[[Kind, str], ReferencePlan]]:
    """Return a checkpoint's settings, and what makes token plans by them."""
    prepare_tokenizer(checkpoint, folder / "tokenizer.json")
    if expand is None:
        assert checkpoint.semantics.expand is not None
        expand = checkpoint.semantics.expand
    settings = settle(checkpoint, folder / "tokenizer.json", 128, expand)
    tokenizer = plans.load_tokenizer(folder / "tokenizer.json")
    return settings, lambda kind, text: plans.plan(tokenizer, settings, kind, text)

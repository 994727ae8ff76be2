"""``latefind.json``: what the builder and the browser must know about a bundle.

:func:`latefind.model.read_spec` reads it; the fields are explained in ``docs/models.md``. Two are for people,
and no program depends on them:

``checkpoint``
    ``source`` (a folder's name, or ``owner/name@commit``), ``layout`` (``pylate``, ``multi-vector``,
    ``stanford``, ``single-vector``), ``parameters`` (the encoder's, where they were counted) and ``notes``:
    what was read otherwise than the checkpoint says it, such as a length beyond the model's positions.
``expansion_audit``
    The figures by which query expansion was switched on or off where the checkpoint does not say.
"""

import hashlib
import json
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from latefind.model import BUNDLE_VERSION

INPUTS = ("input_ids", "attention_mask")
"""Names of the graph's inputs, both int64 (batch, length)."""

OUTPUT = "token_embeddings"
"""Name of the graph's output, float32 (batch, length, dimensions), unit length along the last axis."""

PUNCTUATION = string.punctuation
"""The 32 characters whose document embeddings PyLate's default skiplist drops."""


@dataclass(frozen=True, slots=True)
class Side:
    """How one side of the search is tokenised: its prefix, if any, and its length in tokens."""

    prefix: str | None
    prefix_id: int | None
    length: int


@dataclass(frozen=True, slots=True)
class ExpansionSettings:
    """Query expansion: padding with ``token_id`` to the query length, scored, attended to or not."""

    enabled: bool
    token_id: int
    attend: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything of ``latefind.json`` that comes from the checkpoint and not from the exported files.

    ``source``, ``layout`` and ``notes`` say where the model comes from; see the module.
    """

    name: str
    license: str
    languages: tuple[str, ...]
    dimensions: int
    query: Side
    expansion: ExpansionSettings
    document: Side
    skiplist: tuple[int, ...]
    source: str = ""
    layout: str = ""
    notes: tuple[str, ...] = ()


def render_settings(
    settings: Settings,
    quantization: Mapping[str, object],
    files: Mapping[str, Path],
    *,
    parameters: int | None = None,
    expansion_audit: Mapping[str, object] | None = None,
) -> bytes:
    """Return the bytes of ``latefind.json``.

    Parameters
    ----------
    quantization : mapping
        The field ``type`` (``int8``, ``none`` …) and the options behind it.
    files : mapping of str to Path
        Hashed, so that a damaged bundle is told from a wrong one.
    parameters : int or None
        The encoder's.
    expansion_audit : mapping or None
        What was measured where the checkpoint does not say whether it expands queries.
    """
    data: dict[str, object] = {
        "version": BUNDLE_VERSION,
        "name": settings.name,
        "license": settings.license,
        "languages": list(settings.languages),
        "dimensions": settings.dimensions,
        "quantization": quantization["type"],
        "quantization_options": {key: value for key, value in quantization.items() if key != "type"},
        "query": {**asdict(settings.query), "expansion": asdict(settings.expansion)},
        "document": {**asdict(settings.document), "skiplist": sorted(settings.skiplist)},
        "inputs": list(INPUTS),
        "output": OUTPUT,
        "files": {name: _describe(path) for name, path in sorted(files.items())},
    }
    if settings.source:
        counted = {} if parameters is None else {"parameters": parameters}
        data["checkpoint"] = {
            "source": settings.source,
            "layout": settings.layout,
            **counted,
            "notes": list(settings.notes),
        }
    if expansion_audit is not None:
        data["expansion_audit"] = dict(expansion_audit)
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def _describe(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

"""Read a checkpoint, whatever its layout: what it is, whether we can reproduce it, what it says of itself.

The layout is told from the files::

    modules.json, MultiVectorEncoder or a MultiVectorMask    multi-vector  (sentence-transformers 6)
    modules.json with a Dense and without Pooling            pylate
    config.json of the architecture HF_ColBERT, no Dense     stanford
    anything else                                            single-vector
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from latefind.errors import ModelError, UsageError
from latefind_export.checkpoint import Card, Checkpoint, Layout, Semantics
from latefind_export.custom_code import check_custom_code
from latefind_export.encoders import check_encoder, hidden_width
from latefind_export.hub import Location
from latefind_export.layout_files import Config, Module, Parts, check_weights, read_modules
from latefind_export.layout_multi_vector import read_multi_vector
from latefind_export.layout_pylate import read_pylate
from latefind_export.layout_single import read_single_vector
from latefind_export.layout_stanford import ARCHITECTURE, read_stanford
from latefind_export.model_card import read_card

REFUSED_TYPES = {
    "SparseEncoder": "a sparse encoder",
    "CrossEncoder": "a cross-encoder, which reads query and document together",
}
"""``model_type`` of ``config_sentence_transformers.json`` → what such a model is."""

ROUTERS = ("Router", "Asym")
"""Modules that encode queries and documents by different transformers."""

CHOOSE = "Choose a late-interaction checkpoint: PyLate's, sentence-transformers' or Stanford ColBERT's."


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the user says in place of the checkpoint; None leaves the checkpoint's own. "" is no prefix.

    ``token_embeddings`` accepts a model that was trained for one vector a text.
    """

    query_prefix: str | None = None
    document_prefix: str | None = None
    query_length: int | None = None
    document_length: int | None = None
    expand: bool | None = None
    skiplist_words: tuple[str, ...] | None = None
    name: str | None = None
    license: str | None = None
    languages: tuple[str, ...] | None = None
    token_embeddings: bool = False


def read_checkpoint(location: Location, overrides: Overrides, trust_remote_code: bool = False) -> Checkpoint:
    """Read the checkpoint at ``location``; its weights stay on disk, those of the head excepted.

    Raises
    ------
    ModelError
        The folder holds no checkpoint, a damaged one, or one that a bundle cannot reproduce.
    UsageError
        ``token_embeddings`` was asked of a late-interaction checkpoint, which has a head for them.
    """
    folder = location.folder
    _check_folder(folder)
    check_custom_code(folder, trust_remote_code)
    modules = read_modules(folder) if (folder / "modules.json").is_file() else ()
    layout, parts = _read_layout(folder, modules, overrides.token_embeddings, location.source)
    if overrides.token_embeddings and layout != "single-vector":
        raise UsageError.expected(
            "--token-embeddings",
            "a model that was trained for one vector a text",
            f"a late-interaction checkpoint ({layout})",
            "Leave the option out.",
        )
    check_weights(parts.folder)
    return Checkpoint(
        folder=parts.folder,
        layout=layout,
        dense=parts.dense,
        semantics=_override(parts.semantics, overrides),
        card=_read_card(location, overrides),
        source=location.source,
        trust_remote_code=trust_remote_code,
    )


def _check_folder(folder: Path) -> None:
    if (folder / "modules.json").is_file() or (folder / "config.json").is_file():
        return
    if not folder.is_dir():
        raise ModelError.expected(folder, "a checkpoint's folder", "nothing")
    below = sorted(path.parent.name for path in folder.glob("*/config.json"))
    raise ModelError.expected(
        folder,
        "a checkpoint's folder, with config.json",
        f"a folder without it, though {', '.join(below[:5])} below it has one" if below else "one without it",
        "Name the folder of the checkpoint itself.",
    )


def _read_layout(
    folder: Path, modules: Sequence[Module], token_embeddings: bool, source: str
) -> tuple[Layout, Parts]:
    transformer = modules[0].folder if modules and modules[0].name == "Transformer" else folder
    names = [module.name for module in modules]
    settings = Config.read(folder / "config_sentence_transformers.json", optional=True)
    model_type = settings.text("model_type")
    _refuse_others(folder, names, model_type)
    if modules and names[0] != "Transformer":
        raise ModelError.expected(
            folder / "modules.json", "a Transformer as the first module", modules[0].kind, CHOOSE
        )
    config = Config.read(transformer / "config.json")
    check_encoder(transformer, config)
    if modules and (model_type == "MultiVectorEncoder" or "MultiVectorMask" in names):
        return "multi-vector", read_multi_vector(folder, modules, hidden_width(config))
    if modules and "Dense" in names and "Pooling" not in names:
        return "pylate", read_pylate(folder, modules, hidden_width(config))
    if "Dense" not in names and ARCHITECTURE in (config.texts("architectures") or ()):
        check_weights(transformer)
        return "stanford", read_stanford(transformer, hidden_width(config))
    return "single-vector", read_single_vector(folder, modules, token_embeddings, source)


def _refuse_others(folder: Path, names: Sequence[str], model_type: str | None) -> None:
    if model_type in REFUSED_TYPES:
        raise ModelError.expected(folder, "a late-interaction checkpoint", REFUSED_TYPES[model_type], CHOOSE)
    for name in names:
        if name in ROUTERS:
            raise ModelError.expected(
                folder / "modules.json",
                "one transformer for queries and documents",
                f"an asymmetric model ({name})",
                CHOOSE,
            )
        if name == "SpladePooling":
            raise ModelError.expected(folder, "a late-interaction checkpoint", "a sparse encoder", CHOOSE)


def _override(own: Semantics, overrides: Overrides) -> Semantics:
    return replace(
        own,
        query_prefix=_prefix(overrides.query_prefix, own.query_prefix),
        document_prefix=_prefix(overrides.document_prefix, own.document_prefix),
        query_length=own.query_length if overrides.query_length is None else overrides.query_length,
        document_length=own.document_length
        if overrides.document_length is None
        else overrides.document_length,
        expand=own.expand if overrides.expand is None else overrides.expand,
        skiplist_words=own.skiplist_words if overrides.skiplist_words is None else overrides.skiplist_words,
    )


def _prefix(given: str | None, own: str | None) -> str | None:
    return own if given is None else given or None


def _read_card(location: Location, overrides: Overrides) -> Card:
    # "owner/name@commit" of the hub is called by its name, a folder by its own.
    name = re.sub("@[0-9a-f]{40}$", "", location.source).rpartition("/")[2]
    card = read_card(location.folder, name)
    return Card(
        name=overrides.name or card.name,
        license=overrides.license or card.license,
        languages=card.languages if overrides.languages is None else overrides.languages,
    )

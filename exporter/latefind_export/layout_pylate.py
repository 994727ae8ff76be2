"""PyLate's layout, with the old keys.

``modules.json`` lists a Transformer and Dense modules; ``config_sentence_transformers.json`` says how queries
and documents are prepared. PyLate applies the Transformer and the Dense modules, whether they are its own or
sentence-transformers', and normalises; it ignores other modules. Of those we accept the ones that change
nothing.
"""

import string
from collections.abc import Sequence
from pathlib import Path

from latefind.errors import ModelError
from latefind_export.checkpoint import Semantics
from latefind_export.layout_dense import read_dense_chain
from latefind_export.layout_files import Config, Module, Parts, read_lowercase

QUERY_PREFIX, DOCUMENT_PREFIX = "[Q] ", "[D] "
QUERY_LENGTH, DOCUMENT_LENGTH = 32, 180
"""PyLate's defaults, in tokens; the prefixes' trailing space belongs to the tokens."""

HARMLESS = ("Normalize", "Dropout", "MultiVectorMask")
"""Modules that change nothing here: token embeddings are normalised anyway, and nothing is trained."""


def read_pylate(folder: Path, modules: Sequence[Module], width: int) -> Parts:
    """Return a checkpoint that PyLate saved; ``width`` is that of the transformer's hidden states.

    Raises
    ------
    ModelError
        A module is unknown, a Dense is incomplete or does not fit, a key has a value of another kind.
    """
    check_order(folder, modules, HARMLESS)
    config = Config.read(folder / "config_sentence_transformers.json", optional=True)
    refuse_default_prompt(config)
    expand = config.flag("do_query_expansion")
    semantics = Semantics(
        query_prefix=_prefix(config, "query_prefix", QUERY_PREFIX),
        document_prefix=_prefix(config, "document_prefix", DOCUMENT_PREFIX),
        query_length=config.integer("query_length") or QUERY_LENGTH,
        document_length=config.integer("document_length") or DOCUMENT_LENGTH,
        expand=expand,
        attend=config.flag("attend_to_expansion_tokens") or False,
        expansion_token=None,
        skiplist_words=_default(config.texts("skiplist_words"), tuple(string.punctuation)),
        lowercase=read_lowercase(modules[0].folder),
    )
    dense = read_dense_chain((module.folder for module in modules if module.name == "Dense"), width)
    return Parts(modules[0].folder, dense, semantics)


def check_order(folder: Path, modules: Sequence[Module], harmless: Sequence[str]) -> None:
    """Check that the modules are one Transformer, then Dense layers and what is harmless.

    Raises
    ------
    ModelError
        Names the first module that is something else.
    """
    where = folder / "modules.json"
    if not modules or modules[0].name != "Transformer":
        got = modules[0].name if modules else "none"
        raise ModelError.expected(where, "a Transformer as the first module", got)
    for module in modules[1:]:
        if module.name != "Dense" and module.name not in harmless:
            raise ModelError.expected(
                where, f"modules among Dense, {', '.join(harmless)} behind the Transformer", module.kind
            )


def refuse_default_prompt(config: Config) -> None:
    """Refuse a text that the checkpoint's library would put before every query and document.

    Raises
    ------
    ModelError
        There is such a text.
    """
    name, prompts = config.text("default_prompt_name"), config.child("prompts")
    prompt = prompts.text(name) if name and prompts is not None else None
    if prompt:
        config.fail(
            "default_prompt_name", f"none, since texts cannot be prefixed with {prompt!r}", "Remove the key."
        )


def _prefix(config: Config, name: str, default: str) -> str | None:
    value = config.text(name)
    return (default if value is None else value) or None


def _default(value: tuple[str, ...] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    return default if value is None else value

"""The multi-vector layout of sentence-transformers 6 (``MultiVectorEncoder``), new keys.

::

    config_sentence_transformers.json   model_type, prompts {query, document}
    modules.json                        Transformer, Dense …, MultiVectorMask, Normalize
    sentence_bert_config.json           query_length, document_length,
                                        query_expansion {strategy, attend, token, length}
    N_MultiVectorMask/config.json       skiplist_words, skiplist_tasks, keep_only_token_ids

The prompts are put before the text. A prompt that the tokenizer makes one token of is a prefix like
PyLate's, and only such prompts are accepted. Differences from PyLate that are kept: a skiplist word that is
no token is dropped, and without ``query_expansion`` nothing is expanded. One that is not:
sentence-transformers 6 leaves white space around a text, we remove it.
"""

from collections.abc import Sequence
from pathlib import Path

from latefind.errors import ModelError
from latefind_export.checkpoint import Semantics
from latefind_export.layout_dense import TOKENS, read_dense_chain
from latefind_export.layout_files import Config, Module, Parts, longest_text, read_lowercase
from latefind_export.layout_pylate import check_order, refuse_default_prompt

MASK, NORMALIZE = "MultiVectorMask", "Normalize"


def read_multi_vector(folder: Path, modules: Sequence[Module], width: int) -> Parts:
    """Return a checkpoint that sentence-transformers 6 saved; ``width`` as for PyLate.

    Raises
    ------
    ModelError
        A module or a setting is something that a bundle cannot reproduce; the message names it.
    """
    check_order(folder, modules, (MASK, NORMALIZE, "Dropout"))
    _check_normalized(folder, modules)
    config = Config.read(folder / "config_sentence_transformers.json", optional=True)
    refuse_default_prompt(config)
    prompts = config.child("prompts") or Config({}, config.where)
    transformer = Config.read(modules[0].folder / "sentence_bert_config.json", optional=True)
    _check_transformer(transformer)
    limit = longest_text(modules[0].folder)
    expansion = transformer.child("query_expansion")
    masks = [module for module in modules if module.name == MASK]
    query_length = transformer.integer("query_length") or limit
    if expansion is not None:
        query_length = _expansion_length(expansion)
        if not masks:
            expansion.fail("strategy", f"a {MASK} module, which scores the expansion", "Add the module.")
    semantics = Semantics(
        query_prefix=prompts.text("query") or None,
        document_prefix=prompts.text("document") or None,
        query_length=query_length,
        document_length=transformer.integer("document_length") or limit,
        expand=expansion is not None,
        attend=bool(expansion and expansion.flag("attend")),
        expansion_token=expansion.text("token") if expansion else None,
        skiplist_words=tuple(word for mask in masks for word in _skiplist(mask)),
        lowercase=read_lowercase(modules[0].folder),
    )
    dense = read_dense_chain((module.folder for module in modules if module.name == "Dense"), width)
    return Parts(modules[0].folder, dense, semantics)


def _check_normalized(folder: Path, modules: Sequence[Module]) -> None:
    names = [module.name for module in modules]
    if NORMALIZE not in names or "Dense" in names[names.index(NORMALIZE) :]:
        raise ModelError.expected(
            folder / "modules.json",
            f"{NORMALIZE} behind the last Dense: embeddings are stored with unit length",
            " → ".join(names),
        )
    for module in modules:
        if module.name == NORMALIZE:
            config = Config.read(module.folder / "config.json", optional=True)
            for side in ("module_input_name", "module_output_name"):
                if config.text(side) != TOKENS:
                    config.fail(side, repr(TOKENS))


def _check_transformer(config: Config) -> None:
    if config.text("transformer_task") not in (None, "feature-extraction"):
        config.fail("transformer_task", "feature-extraction", "Choose a model of texts.")
    modalities = config.child("modality_config")
    text = {"method": "forward", "method_output_name": "last_hidden_state"}
    if modalities is not None and modalities.raw("text") != text:
        modalities.fail("text", f"the last hidden state, {text}", "Choose a model of texts.")


def _expansion_length(expansion: Config) -> int:
    if expansion.text("strategy") != "fixed":
        expansion.fail(
            "strategy",
            "fixed: queries of one length",
            "Set it in sentence_bert_config.json; queries above the length are cut then.",
        )
    length = expansion.integer("length")
    if length is None:
        expansion.fail("length", "an integer from 1")
    return length


def _skiplist(mask: Module) -> tuple[str, ...]:
    config = Config.read(mask.folder / "config.json", optional=True)
    if config.raw("keep_only_token_ids"):
        config.fail("keep_only_token_ids", "none", "Choose a model of texts.")
    tasks = ("document",) if "skiplist_tasks" not in config else config.texts("skiplist_tasks") or ()
    if "query" in tasks:
        config.fail("skiplist_tasks", "document only: all tokens of a query are scored")
    return (config.texts("skiplist_words") or ()) if "document" in tasks else ()

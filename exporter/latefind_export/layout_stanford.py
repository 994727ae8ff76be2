"""Stanford ColBERT's layout: ``HF_ColBERT`` in ``config.json``, settings in ``artifact.metadata``.

The transformer's weights carry the prefix of its class (``bert.``), which transformers' AutoModel removes;
``linear.weight`` beside them is the head. Queries are always expanded. The marker tokens are in the
vocabulary already: ``[unused0]`` and ``[unused1]`` unless the metadata names others.

``mask_punctuation: false`` means that documents keep their punctuation. PyLate ignores that key and always
drops it; we follow the checkpoint, which was trained so.
"""

import string
from pathlib import Path

from latefind.errors import ModelError
from latefind_export.checkpoint import DenseLayer, Semantics
from latefind_export.layout_files import GET_AGAIN, SHARDS, WEIGHTS, Config, Parts, read_tensors, tensor_names
from latefind_export.layout_pylate import DOCUMENT_LENGTH, QUERY_LENGTH

ARCHITECTURE = "HF_ColBERT"
METADATA = "artifact.metadata"
QUERY_MARKER, DOCUMENT_MARKER = "[unused0]", "[unused1]"
HEAD = "linear.weight"


def read_stanford(folder: Path, width: int) -> Parts:
    """Return a checkpoint that Stanford's ColBERT saved; ``width`` as for PyLate.

    Raises
    ------
    ModelError
        The head is missing or does not fit, or the metadata is malformed.
    """
    metadata = Config.read(folder / METADATA, optional=True)
    punctuation = metadata.flag("mask_punctuation") is not False
    semantics = Semantics(
        query_prefix=metadata.text("query_token_id") or QUERY_MARKER,
        document_prefix=metadata.text("doc_token_id") or DOCUMENT_MARKER,
        query_length=metadata.integer("query_maxlen") or QUERY_LENGTH,
        document_length=metadata.integer("doc_maxlen") or DOCUMENT_LENGTH,
        expand=True,
        attend=metadata.flag("attend_to_mask_tokens") or False,
        expansion_token=None,
        skiplist_words=tuple(string.punctuation) if punctuation else (),
    )
    return Parts(folder, (_read_head(folder, width),), semantics)


def _read_head(folder: Path, width: int) -> DenseLayer:
    path = folder / WEIGHTS
    if not path.is_file():
        shards = Config.read(folder / SHARDS).child("weight_map")
        name = shards.text(HEAD) if shards is not None else None
        path = folder / name if name else folder / SHARDS
    head = read_tensors(path, [HEAD]).get(HEAD) if path.suffix == ".safetensors" else None
    if head is None:
        raise ModelError.expected(path, f"the head as {HEAD}", "a file without it", GET_AGAIN)
    if head.ndim != 2 or head.shape[1] != width:
        raise ModelError.expected(
            path,
            f"{HEAD} of shape (dimensions, {width}), as wide as the transformer",
            str(head.shape),
            "Check that all files are of one checkpoint.",
        )
    if "linear.bias" in tensor_names(path):
        raise ModelError.expected(path, "a head without a bias, as ColBERT's", "linear.bias")
    return DenseLayer(head)

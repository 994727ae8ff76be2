"""What a late-interaction checkpoint says of itself, whatever layout it is stored in.

A reader of one layout (``layout_*.py``) returns a :class:`Checkpoint`; everything after it (graph, plans,
report) reads this and never the files of a layout.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

Layout = Literal["pylate", "multi-vector", "stanford", "single-vector"]
"""How the checkpoint is stored: PyLate's old keys, sentence-transformers 6's new ones, Stanford ColBERT's
``artifact.metadata``, or a model that was trained for one vector a text."""


@dataclass(frozen=True, slots=True)
class DenseLayer:
    """One layer of the head: ``activation(weight · x + bias)``, plus the residual where there is one.

    Attributes
    ----------
    weight : float32 (out, in)
    bias : float32 (out,) or None
    activation : str
        Dotted name of a torch module class without arguments, as checkpoints store it.
    residual : bool
        Whether x itself is added, through ``residual_weight`` where that is given.
    residual_weight : float32 (out, in) or None
    """

    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32] | None = None
    activation: str = "torch.nn.modules.linear.Identity"
    residual: bool = False
    residual_weight: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Semantics:
    """How texts become token plans, as the checkpoint states it, defaults filled in.

    Attributes
    ----------
    query_prefix, document_prefix : str or None
        Tokens inserted at position 1; None where the model has no prefix.
    query_length, document_length : int
        Tokens, special tokens and prefix included.
    expand : bool or None
        Query expansion; None where the checkpoint does not say, so that it has to be measured.
    attend : bool
        Whether real tokens attend to the expansion.
    expansion_token : str or None
        None: the tokenizer's mask token, else its end-of-sequence token.
    skiplist_words : tuple of str
        Tokens whose document embeddings are not stored.
    lowercase : bool
        Whether text is lowercased before the tokenizer sees it (``do_lower_case`` of sentence-transformers).
    """

    query_prefix: str | None
    document_prefix: str | None
    query_length: int
    document_length: int
    expand: bool | None
    attend: bool
    expansion_token: str | None
    skiplist_words: tuple[str, ...]
    lowercase: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """What the model card says: name, licence (SPDX where it is one, else as written), BCP 47 languages."""

    name: str
    license: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint, read.

    Attributes
    ----------
    folder : Path
        The transformer's own folder: ``config.json``, safetensors, tokenizer files.
    dense : tuple of DenseLayer
        The head, in order; empty where token embeddings are used as they are.
    source : str
        What the user named: a folder's name or ``owner/model@revision``; for messages and the report.
    """

    folder: Path
    layout: Layout
    dense: tuple[DenseLayer, ...]
    semantics: Semantics
    card: Card
    source: str
    trust_remote_code: bool = False

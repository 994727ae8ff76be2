"""Models that were trained for one vector a text, used for their token embeddings.

Such a model knows neither prefixes nor query expansion, and what comes after its pooling is no business of
single tokens. MaxSim on its token embeddings can nevertheless search better than its vector does.
"""

import string
from collections.abc import Sequence
from pathlib import Path

from latefind.errors import ModelError
from latefind_export.checkpoint import Semantics
from latefind_export.layout_files import Module, Parts, longest_text, read_lowercase

QUERY_LENGTH = 64
"""Tokens. Queries are not padded, so a long limit costs nothing."""


def read_single_vector(folder: Path, modules: Sequence[Module], token_embeddings: bool, source: str) -> Parts:
    """Return a single-vector model; ``modules`` are empty where it is a plain transformer.

    Raises
    ------
    ModelError
        ``token_embeddings``, the user's consent, was not given.
    """
    if not token_embeddings:
        kind = "a dense single-vector model (" + (
            f"its modules are {', '.join(module.name for module in modules)})"
            if modules
            else "a transformer without a head for tokens)"
        )
        raise ModelError.expected(
            source,
            "a late-interaction checkpoint",
            kind,
            "Use --token-embeddings to search with its token embeddings and MaxSim all the same.",
        )
    transformer = modules[0].folder if modules else folder
    semantics = Semantics(
        query_prefix=None,
        document_prefix=None,
        query_length=QUERY_LENGTH,
        document_length=longest_text(transformer),
        expand=False,
        attend=False,
        expansion_token=None,
        skiplist_words=tuple(string.punctuation),
        lowercase=read_lowercase(transformer),
    )
    return Parts(transformer, (), semantics)

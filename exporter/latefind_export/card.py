"""The bundle's model card: where the model comes from, under which licence, and what was done to it."""

import yaml

from latefind_export.checkpoint import Checkpoint

_TEXT = """---
{front_matter}---

# {name}

A late-interaction encoder as a model bundle of latefind: every token of a text gets a vector, and relevance
is MaxSim.

- **Origin**: `{source}`. These weights are derived from it: stored in another form ({stored}), not trained
  further{head}.
- **Licence**: {license}, that of the original, whose terms bind whoever passes these weights on.
- **Languages**: {languages}.

[report.md](report.md) has the shapes, the sizes, how closely this follows the original, and how that was
measured.
"""


def render_card(checkpoint: Checkpoint, stored: str, dimensions_by_pca: int | None) -> str:
    """Return the card as Markdown; ``stored`` names the form of the weights, such as ``int8``."""
    card = checkpoint.card
    fields = {"license": card.license, "language": list(card.languages), "base_model": checkpoint.source}
    head = f", and reduced to {dimensions_by_pca} dimensions by PCA" if dimensions_by_pca else ""
    return _TEXT.format(
        front_matter=yaml.safe_dump(fields, sort_keys=False, allow_unicode=True),
        name=card.name,
        source=checkpoint.source,
        stored=stored,
        head=head,
        license=card.license,
        languages=", ".join(card.languages) or "not stated",
    )

"""Train with the weights as the exporter will store them: on the coarse grids of ``int4`` and ``int3``.

The steps are those that the exporter would choose for the weights as training begins, and stay. On the way
forward a weight is rounded to its grid; gradients pass as if it were not (the straight-through estimator:
Bengio, Léonard and Courville, "Estimating or Propagating Gradients Through Stochastic Neurons", 2013). What
is saved lies on the grid, and the exporter then finds the same steps and changes nothing. The head stays as
it is.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from latefind.errors import UsageError
from latefind_export.grid import GRIDS, column_steps, table_step

WORDS, PLACES = "word_embeddings", "position_embeddings"
"""How an encoder's tables are named; that of the token types is a constant in what ships."""


class _Rounded(nn.Module):
    """A weight, rounded to multiples of ``steps``, which are broadcast to it."""

    steps: Tensor

    def __init__(self, steps: Tensor) -> None:
        super().__init__()
        self.register_buffer("steps", steps, persistent=False)

    def forward(self, weight: Tensor) -> Tensor:
        """Return what is stored; gradients pass unchanged."""
        return weight + (torch.round(weight / self.steps) * self.steps - weight).detach()


def round_weights(transformer: nn.Module, scheme: str) -> Callable[[], None]:
    """Let ``transformer`` compute with rounded weights; return what makes them its own when training is over.

    Raises
    ------
    UsageError
        There is no grid of that name.
    """
    if scheme not in GRIDS:
        raise UsageError.expected("steps.rounded", " or ".join(sorted(GRIDS)), repr(scheme))
    grid = GRIDS[scheme]
    rounded: list[nn.Module] = []
    for name, module in list(transformer.named_modules()):
        if isinstance(module, nn.Linear):
            steps = column_steps(_array(module.weight).T, grid.products)[:, None]
        elif isinstance(module, nn.Embedding) and name.endswith((WORDS, PLACES)):
            coarseness = grid.words if name.endswith(WORDS) else grid.products
            steps = table_step(_array(module.weight), coarseness)
        else:
            continue
        own = _Rounded(torch.as_tensor(steps, device=module.weight.device))
        parametrize.register_parametrization(module, "weight", own)
        rounded.append(module)

    def keep() -> None:
        for module in rounded:
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)

    return keep


def _array(weight: Tensor) -> Any:
    return weight.detach().float().cpu().numpy()

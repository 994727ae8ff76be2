"""Find a linear head by PCA on token embeddings.

MaxSim compares unit vectors by their dot product. Among the heads without bias that keep ``dimensions``
axes, the uncentred PCA of unit vectors loses least of those dot products (Eckart-Young on the matrix of
embeddings; centring would keep differences from the mean instead, and the head has no bias to subtract the
mean with).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from latefind_export.encoder import normalize
from latefind_export.plans import ReferencePlan


@dataclass(frozen=True, slots=True)
class Moments:
    """Of ``count`` unit vectors: their mean outer product (hidden, hidden) and their mean (hidden,)."""

    moment: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    count: int


def second_moment(backbone: torch.nn.Module, plans: Iterable[ReferencePlan]) -> Moments:
    """Return the moments of the backbone's token embeddings, each scaled to unit length.

    Only scored positions count: what is never stored has no say in which axes are kept.
    """
    total: torch.Tensor | None = None
    mean: torch.Tensor | None = None
    count = 0
    for plan in plans:
        with torch.inference_mode():
            hidden = backbone(
                input_ids=torch.tensor([plan.ids]), attention_mask=torch.tensor([plan.mask])
            ).last_hidden_state[0]
        vectors = normalize(hidden[torch.tensor(plan.scored)]).double()  # (scored, hidden)
        product = vectors.T @ vectors  # (hidden, hidden), contracted over positions
        total = product if total is None else total + product
        mean = vectors.sum(0) if mean is None else mean + vectors.sum(0)
        count += len(vectors)
    if total is None or mean is None:
        raise ValueError("no plans")
    return Moments((total / count).numpy(), (mean / count).numpy(), count)


def principal_axes(moment: npt.NDArray[np.float64], dimensions: int) -> tuple[npt.NDArray[np.float32], float]:
    """Return the leading axes (dimensions, hidden), strongest first, and the share of energy they keep.

    Each axis points to where its largest entry is positive, so that the result does not depend on the
    linear algebra library's choice of sign.
    """
    values, vectors = np.linalg.eigh(moment)  # ascending; vectors in columns
    axes = vectors[:, ::-1][:, :dimensions].T
    largest = np.abs(axes).argmax(axis=1)
    axes = axes * np.sign(axes[np.arange(dimensions), largest])[:, None]
    kept = float(values[::-1][:dimensions].sum() / values.sum())
    return axes.astype(np.float32), kept

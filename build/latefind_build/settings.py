"""The settings of an index that a command or configuration may name: bytes of a vector, pooling, tier.

Apart from what uses them, so that ``latefind --help`` need not load what learns and clusters.
"""

BYTES = (18, 34)
"""Bytes of a stored vector: 2 of centroid and gain, the others of the residual's subspaces."""

CODE_BYTES = 2
DEFAULT_BYTES = 18

POOLS = (1, 2, 3, 4)
"""Pooling factors; 1 is off."""

DEFAULT_POOL = 2

TIERS = ("auto", "small", "large")

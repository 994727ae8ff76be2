"""Pooling and codec as an index applies them, made differentiable and quick enough for every step.

What ships (``latefind_build.pool``, ``latefind.codec``) clusters a passage's vectors by Ward's criterion and
stores each as a centroid and a product-quantised residual. Here tokens join the most similar of every other
token, and gradients pass the codec as if it were not there (straight through). Neither equals what ships;
both put the same kind of error in the same places, and the evaluation goes through what ships.
"""

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

POWER = 1.5
"""As ``latefind_build.pool.POWER``: means are lengthened."""

SHORTEST_MEAN = 0.1
SHORTEST = 32
"""As there: texts of fewer tokens stay as they are."""

CODEWORDS = 256


def pool_pairs(embeddings: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return about half as many vectors of each text, and which of them are there.

    The first token ([CLS]) and every second one after it are seeds; each other one joins the seed that is
    most like it. Shapes (B, d, dimensions) and (B, d) stay: what joined is no longer there.
    """
    places = mask.long().cumsum(dim=1) - 1  # of the tokens that are there
    count = mask.sum(dim=1, keepdim=True)
    pools = count >= SHORTEST
    seed = mask & ((places == 0) | (places % 2 == 1) | ~pools)
    similarities = torch.einsum("bix,bjx->bij", embeddings, embeddings).detach()
    # [CLS] stays alone, as in what ships.
    joinable = seed & ((places > 0) | ~pools)
    similarities = similarities.masked_fill(~joinable[:, None, :], -2.0)
    target = torch.where(seed, torch.arange(mask.shape[1], device=mask.device), similarities.argmax(dim=-1))
    member = functional.one_hot(target, mask.shape[1]).to(embeddings.dtype) * mask[..., None]
    sums = torch.einsum("bij,bix->bjx", member, embeddings)
    means = sums / member.sum(dim=1).clamp_min(1)[..., None]
    lengths = means.float().norm(dim=-1, keepdim=True).clamp_min(SHORTEST_MEAN)
    return (means / lengths**POWER).to(embeddings.dtype), seed


class ResidualCodec(nn.Module):
    """Centroids and product-quantised residuals, learnt from the vectors that pass.

    Parameters
    ----------
    dimensions, subspaces : int
        Of the vectors, and the parts that a residual is cut into; one byte each.
    centroids : int
        How many; 256 to 1,024 are what small indexes have.
    every : int
        Steps between two looks at fresh vectors.
    """

    centroids: Tensor
    codewords: Tensor
    steps: Tensor

    def __init__(self, dimensions: int, subspaces: int = 16, centroids: int = 256, every: int = 50) -> None:
        super().__init__()
        self.subspaces, self.every = subspaces, every
        self.register_buffer("centroids", torch.zeros(centroids, dimensions))
        self.register_buffer("codewords", torch.zeros(subspaces, CODEWORDS, dimensions // subspaces))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Return the vectors as they would be read from an index, unit length; gradients pass unchanged."""
        stored = functional.normalize(vectors, dim=-1)
        if self.training:
            if int(self.steps) % self.every == 0:
                self._learn(stored[mask].detach().float())
            self.steps += 1
        read = self.read(stored.detach().float().reshape(-1, stored.shape[-1])).reshape(stored.shape)
        return stored + (read.to(stored.dtype) - stored).detach()

    def read(self, vectors: Tensor) -> Tensor:
        """Return what (n, dimensions) become by storing them."""
        nearest = self.centroids[(vectors @ self.centroids.T).argmax(dim=-1)]
        parts = (vectors - nearest).reshape(len(vectors), self.subspaces, -1).transpose(0, 1)
        codes = torch.cdist(parts, self.codewords).argmin(dim=-1)  # (subspaces, n)
        found = torch.gather(self.codewords, 1, codes[..., None].expand(-1, -1, self.codewords.shape[-1]))
        return functional.normalize(nearest + found.transpose(0, 1).reshape(vectors.shape), dim=-1)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def _learn(self, vectors: Tensor) -> None:
        if len(vectors) < 2:
            return
        sample = vectors[torch.randperm(len(vectors), device=vectors.device)[:16_384]]
        self.centroids.copy_(functional.normalize(_cluster(sample, len(self.centroids)), dim=-1))
        nearest = self.centroids[(sample @ self.centroids.T).argmax(dim=-1)]
        parts = (sample - nearest).reshape(len(sample), self.subspaces, -1)
        for number in range(self.subspaces):
            self.codewords[number].copy_(_cluster(parts[:, number], CODEWORDS))


def _cluster(vectors: Tensor, count: int, rounds: int = 6) -> Tensor:
    """Return ``count`` means of (n, width) vectors by Lloyd's algorithm; some are equal where n is small."""
    means = vectors[torch.arange(count, device=vectors.device) % len(vectors)].clone()
    for _ in range(rounds):
        nearest = torch.cdist(vectors, means).argmin(dim=-1)
        sizes = torch.bincount(nearest, minlength=count)
        sums = torch.zeros_like(means).index_add_(0, nearest, vectors)
        means = torch.where(sizes[:, None] > 0, sums / sizes.clamp_min(1)[:, None], means)
    return means

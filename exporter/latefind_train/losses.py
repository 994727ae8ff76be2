"""What training minimises, as functions of tensors.

Shapes: queries (B, q, dimensions) and documents (D, d, dimensions) of unit length with masks (B, q) and
(D, d) of what is scored. MaxSim is divided by the number of query tokens, so that temperatures mean the same
for short and long queries; ranking does not change by that.
"""

import torch
import torch.nn.functional as functional
from torch import Tensor

FAR = -1e4
"""Similarity of what is not there; finite, so that bfloat16 and a text without tokens do no harm."""


def maxsim(queries: Tensor, documents: Tensor, query_mask: Tensor, document_mask: Tensor) -> Tensor:
    """Return the mean over query tokens of each one's best similarity, float32 (B, D).

    Time and memory O(B · D · q · d): the similarities of all pairs are held at once.
    """
    similarities = torch.einsum("bqx,dtx->bdqt", queries, documents)
    similarities = similarities.masked_fill(~document_mask[None, :, None, :], FAR)
    best = similarities.amax(dim=-1).float()  # (B, D, q)
    best = best.masked_fill(~query_mask[:, None, :], 0.0)
    return best.sum(dim=-1) / query_mask.sum(dim=-1).clamp_min(1)[:, None]


def forgive(teacher: Tensor, texts: Tensor, documents: Tensor, margin: float | Tensor) -> Tensor:
    """Return which documents must not count as wrong for a query, bool (B, D): they may be right.

    A document that the teacher scores at ``margin`` or more of what it gives the query's own one, or that is
    the same text. ``margin`` is one for all or each query's own (B, 1). ``texts`` (B,) and ``documents`` (D,)
    number the texts; the first B documents are the queries' own, which are never forgiven.
    """
    own = teacher.diagonal()[:, None]
    forgiven = (teacher >= margin * own) | (texts[:, None] == documents[None, :])
    diagonal = torch.eye(len(texts), len(documents), dtype=torch.bool, device=teacher.device)
    return forgiven & ~diagonal


def contrast(scores: Tensor, temperature: float, forgiven: Tensor | None = None) -> Tensor:
    """Return the cross entropy of finding each query's own document, the one of the same number."""
    logits = scores / temperature
    if forgiven is not None:
        logits = logits.masked_fill(forgiven, FAR)
    return functional.cross_entropy(logits, torch.arange(len(scores), device=scores.device))


def order(
    scores: Tensor,
    teacher: Tensor,
    temperature: float,
    teacher_temperature: float,
    trust: Tensor | None = None,
) -> Tensor:
    """Return the divergence (KL) of the student's distribution over the documents from the teacher's.

    ``trust`` (B,) weighs each query's; the mean is over all queries all the same.
    """
    divergence = functional.kl_div(
        functional.log_softmax(scores / temperature, dim=-1),
        functional.log_softmax(teacher / teacher_temperature, dim=-1),
        reduction="none",
        log_target=True,
    ).sum(dim=-1)
    return (divergence if trust is None else divergence * trust).mean()


def matrix(
    student: tuple[Tensor, Tensor],
    teacher: tuple[Tensor, Tensor],
    masks: tuple[Tensor, Tensor],
    trust: Tensor | None = None,
) -> Tensor:
    """Return the mean squared difference of token similarities, query by query with one document each.

    ``student`` and ``teacher`` are queries (B, q, ·) and documents (B, d, ·) whose tokens correspond, of any
    two widths; ``masks`` (B, q) and (B, d) say which tokens do. ``trust`` (B,) weighs each query's.
    """
    mine = torch.einsum("bqx,btx->bqt", *student).float()
    theirs = torch.einsum("bqx,btx->bqt", *teacher).float()
    both = masks[0][:, :, None] & masks[1][:, None, :]
    squares = ((mine - theirs) ** 2).masked_fill(~both, 0.0)
    if trust is not None:
        squares = squares * trust[:, None, None]
    return squares.sum() / both.sum().clamp_min(1)


def mean_vectors(embeddings: Tensor, mask: Tensor) -> Tensor:
    """Return the mean direction of each text's tokens, unit length (B, dimensions)."""
    total = (embeddings * mask[..., None]).sum(dim=1)
    return functional.normalize(total.float(), dim=-1)


def pooled(embeddings: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of one minus the cosine of each text's mean vector with its target (B, dimensions)."""
    return (1 - (mean_vectors(embeddings, mask) * targets).sum(dim=-1)).mean()


def gather_spans(embeddings: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
    """Return the mean direction of each span of a text's tokens, unit length (B, spans, width).

    Spans are ``starts`` to ``ends`` (B, spans), the end excluded; an empty one gives zeros.
    """
    batch, _, width = embeddings.shape
    before = embeddings.new_zeros((batch, 1, width), dtype=torch.float32)
    sums = torch.cat([before, embeddings.float().cumsum(dim=1)], dim=1)

    def take(places: Tensor) -> Tensor:
        return sums.gather(1, places[..., None].expand(-1, -1, width))

    return functional.normalize(take(ends) - take(starts), dim=-1)

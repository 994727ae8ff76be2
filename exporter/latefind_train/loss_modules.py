"""The losses as modules that sentence-transformers' trainer calls: ``forward(features, labels)``.

Both return their parts by name, already weighted; the trainer adds them up and logs each. The teacher is a
frozen transformer whose token embeddings are compared at their full width.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from latefind_train import losses
from latefind_train.config import Losses
from latefind_train.shipped import ResidualCodec, pool_pairs

Features = dict[str, Any]

MODEL_KEYS = ("input_ids", "attention_mask", "query_expansion_positions")
"""What goes into the student; the rest of a column is for its teacher."""


class Teacher(nn.Module):
    """A frozen transformer, and the head that projects it to where the student started."""

    skipped: Tensor
    axes: Tensor

    def __init__(self, transformer: nn.Module, skipped: Sequence[int], axes: Tensor) -> None:
        super().__init__()
        self.transformer = transformer.eval().requires_grad_(False)
        self.register_buffer("skipped", torch.tensor(list(skipped)))
        self.register_buffer("axes", axes)

    def train(self, mode: bool = True) -> "Teacher":
        """Stay as it is: dropout would make the targets noise."""
        super().train(False)
        return self

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def embed(self, features: Features, is_query: bool) -> tuple[Tensor, Tensor]:
        """Return the token embeddings at unit length and the mask of what is scored."""
        ids, attention = features["teacher_ids"], features["teacher_mask"]
        hidden = self.transformer(input_ids=ids, attention_mask=attention).last_hidden_state
        mask = attention.bool()
        if not is_query:
            mask &= ~torch.isin(ids, self.skipped)
        return functional.normalize(hidden, dim=-1), mask

    def means(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return the mean direction of each text's tokens, in the student's first space."""
        return losses.mean_vectors(embeddings.float() @ self.axes.T, mask)


class _Loss(nn.Module):
    """What both losses need; ``model`` is the student, which the trainer may wrap."""

    def __init__(
        self, model: nn.Module, teacher: Teacher, weights: Losses, codec: ResidualCodec | None
    ) -> None:
        super().__init__()
        self.model, self.teacher, self.weights, self.codec = model, teacher, weights, codec

    def embed(self, features: Features) -> tuple[Tensor, Tensor]:
        """Return the student's token embeddings and the mask of what is scored."""
        inputs = {key: features[key] for key in MODEL_KEYS if key in features}
        output = self.model(inputs, task=features["task"])
        return output["token_embeddings"], output["attention_mask"].bool()

    def ship(self, embeddings: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return documents as an index would have them, in the run's share of the steps."""
        if self.codec is None or not self.training or torch.rand(()).item() >= self.weights.shipped:
            return embeddings, mask
        pooled, kept = pool_pairs(embeddings, mask)
        return self.codec(pooled, kept), kept

    def widths(self, size: int) -> list[int]:
        """Return the embedding's widths that this step ranks by: all of it, and one of the shorter ones."""
        others = [width for width in self.weights.widths if width < size]
        if not others:
            return [size]
        return [size, others[int(torch.randint(len(others), ()).item())]]


class RetrievalLoss(_Loss):
    """Queries find their passages, in the teacher's order, by the teacher's token similarities."""

    def forward(self, features: Iterable[Features], labels: Tensor) -> dict[str, Tensor]:
        """Return the parts ``contrastive``, ``order`` and ``matrix``."""
        query, *documents = list(features)
        weights = self.weights
        queries, query_mask = self.embed(query)
        own, own_mask = self.embed(documents[0])
        student = [(own, own_mask), *(self.embed(column) for column in documents[1:])]
        teacher_query, teacher_query_mask = self.teacher.embed(query, True)
        teacher = [self.teacher.embed(column, False) for column in documents]
        goal = torch.cat(
            [losses.maxsim(teacher_query, vectors, teacher_query_mask, mask) for vectors, mask in teacher], 1
        )
        english = query["english"].bool()
        margin = torch.where(english, weights.margin, weights.foreign_margin)[:, None]
        trust = torch.where(english, 1.0, weights.foreign)
        likeness = torch.where(english, 1.0, weights.foreign_matrix)
        forgiven = losses.forgive(goal, labels[:, 0], labels.T.reshape(-1), margin)
        stored = [self.ship(*column) for column in student]
        zero = goal.new_zeros(())
        found = {"contrastive": zero, "order": zero}
        widths = self.widths(queries.shape[-1])
        for width in widths:
            scores = torch.cat([_score(queries, query_mask, column, width) for column in stored], 1)
            contrast = losses.contrast(scores, weights.temperature, forgiven)
            order = losses.order(scores, goal, weights.temperature, weights.teacher_temperature, trust)
            found["contrastive"] = found["contrastive"] + weights.contrastive * contrast / len(widths)
            found["order"] = found["order"] + weights.order * order / len(widths)
        spans = losses.gather_spans(teacher_query, query["span_starts"], query["span_ends"])
        theirs = losses.gather_spans(teacher[0][0], documents[0]["span_starts"], documents[0]["span_ends"])
        masks = (query_mask & _filled(query), own_mask & _filled(documents[0]))
        found["matrix"] = weights.matrix * self._matrix((queries, own), (spans, theirs), masks, likeness)
        return found

    def _matrix(
        self,
        student: tuple[Tensor, Tensor],
        teacher: tuple[Tensor, Tensor],
        masks: tuple[Tensor, Tensor],
        trust: Tensor,
    ) -> Tensor:
        right = losses.matrix(student, teacher, masks, trust)
        if not self.weights.matrix_wrong:
            return right
        wrong = losses.matrix(
            (student[0], student[1].roll(1, 0)),
            (teacher[0], teacher[1].roll(1, 0)),
            (masks[0], masks[1].roll(1, 0)),
            trust,
        )
        return right + self.weights.matrix_wrong * wrong


class ParallelLoss(_Loss):
    """A text finds its translation, or a passage that has it, as English finds English.

    In the order of English texts, and with mean vectors near to those of the English texts.
    """

    def forward(self, features: Iterable[Features], labels: Tensor) -> dict[str, Tensor]:
        """Return the parts ``cross``, ``cross_order`` and ``cross_pooled``."""
        query, document = list(features)
        weights = self.weights
        queries, query_mask = self.embed(query)
        documents = self.embed(document)
        english, english_mask = self.teacher.embed(query, True)
        stored, stored_mask = self.teacher.embed(document, False)
        goal = losses.maxsim(english, stored, english_mask, stored_mask)
        forgiven = losses.forgive(goal, labels[:, 0], labels[:, 0], weights.margin)
        column = self.ship(*documents)
        zero = goal.new_zeros(())
        found = {"cross": zero, "cross_order": zero}
        widths = self.widths(queries.shape[-1])
        for width in widths:
            scores = _score(queries, query_mask, column, width)
            cross = losses.contrast(scores, weights.temperature, forgiven)
            order = losses.order(scores, goal, weights.temperature, weights.teacher_temperature)
            found["cross"] = found["cross"] + weights.cross * cross / len(widths)
            found["cross_order"] = found["cross_order"] + weights.cross_order * order / len(widths)
        near = losses.pooled(queries, query_mask, self.teacher.means(english, english_mask))
        near = near + losses.pooled(*documents, self.teacher.means(stored, stored_mask))
        found["cross_pooled"] = weights.cross_pooled * near / 2
        return found


def _score(queries: Tensor, mask: Tensor, documents: tuple[Tensor, Tensor], width: int) -> Tensor:
    """Return MaxSim by the first ``width`` dimensions, at unit length again where that is not all."""
    vectors, kept = documents
    if width < queries.shape[-1]:
        queries, vectors = (functional.normalize(part[..., :width], dim=-1) for part in (queries, vectors))
    return losses.maxsim(queries, vectors, mask, kept)


def _filled(features: Features) -> Tensor:
    """Return which tokens stand for one of the teacher's."""
    return torch.as_tensor(features["span_ends"] > features["span_starts"])

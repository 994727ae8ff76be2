"""From packed rows to a loss: batches, spans, both losses with small stand-ins for student and teacher."""

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from checkpoint_tokenizers import train_wordpiece
from torch import Tensor, nn

from latefind_train import mine
from latefind_train.collate import NONE, Collator, Prefixes, split_cloze
from latefind_train.config import Data, Losses, Run, Steps
from latefind_train.loss_modules import ParallelLoss, RetrievalLoss, Teacher
from latefind_train.pack import Packer, Texts, deal, read_shards, write_shard
from latefind_train.shipped import ResidualCodec
from latefind_train.sources import Kind, Row
from latefind_train.spans import Aligner
from latefind_train.train import make_optimizer, rate_of
from latefind_train.wordpiece import WordPiece

SENTENCE = "the index is searched in the browser and the model is loaded once . "


@pytest.fixture(scope="module")
def vocabularies(tmp_path_factory: pytest.TempPathFactory) -> tuple[WordPiece, WordPiece]:
    """The teacher's, and a student's that cuts words into smaller pieces."""
    found = []
    for size in (500, 250):
        path = tmp_path_factory.mktemp("vocabulary") / "tokenizer.json"
        train_wordpiece(size, 64).backend_tokenizer.save(str(path))
        found.append(WordPiece(path))
    return found[0], found[1]


@pytest.fixture(scope="module")
def texts(
    vocabularies: tuple[WordPiece, WordPiece], tmp_path_factory: pytest.TempPathFactory
) -> dict[Kind, Texts]:
    packer = Packer(vocabularies[0], 64)
    rows = [
        Row("pairs", n, "en", "manual", f"search page {n}", f"page {n} . {SENTENCE}the {n} pages are short")
        for n in range(24)
    ]
    packer.add(rows)
    packer.add([Row("parallel", n, "de", "manual", f"page {n}", f"seite {n} der") for n in range(24)])
    path = tmp_path_factory.mktemp("shard") / "0.xz"
    write_shard(path, packer, deal(packer, 2**20, 1)[0])
    return read_shards([path], vocabularies[0])


def collator(texts: dict[Kind, Texts], vocabularies: tuple[WordPiece, WordPiece], **options: Any) -> Collator:
    expanded = options.pop("expanded", None)
    run = Run("test", data=Data(query_length=16, document_length=40, joined=0.0), **options)
    return Collator(texts, Aligner(*vocabularies), Prefixes(7, 8, expanded), run)


def rows(task: str, count: int = 6) -> list[dict[str, Any]]:
    return [{"row": number, "dataset_name": task} for number in range(count)]


def test_a_batch_has_columns_for_student_and_teacher(texts: Any, vocabularies: Any) -> None:
    batch = collator(texts, vocabularies)(rows("pairs"))
    student = vocabularies[1]
    assert batch["query_task"] == "query"
    assert batch["query_input_ids"][:, 0].tolist() == [student.cls] * 6
    assert batch["query_input_ids"][:, 1].tolist() == [7] * 6
    assert batch["document_input_ids"][:, 1].tolist() == [8] * 6
    assert batch["document_input_ids"].shape == batch["document_span_ends"].shape
    assert batch["document_input_ids"].shape[1] <= 40
    assert batch["label"].shape == (6, 1)
    # Every token but the prefix stands for something of the teacher's, and nothing for what is not there.
    filled = batch["query_span_ends"] > batch["query_span_starts"]
    assert (filled == (batch["query_attention_mask"].bool() & (torch.arange(filled.shape[1]) != 1))).all()
    assert (batch["query_span_ends"].amax(1) == batch["query_teacher_mask"].sum(1)).all()


def test_the_same_rows_give_the_same_batch(texts: Any, vocabularies: Any) -> None:
    make = collator(texts, vocabularies, forms={"typo": 0.5, "question": 0.5})
    one, other = make(rows("pairs")), make(rows("pairs"))
    assert all(torch.equal(value, other[key]) for key, value in one.items() if isinstance(value, Tensor))


def test_expanded_queries_are_padded_with_masks_that_nothing_attends_to(
    texts: Any, vocabularies: Any
) -> None:
    batch = collator(texts, vocabularies, expanded=16)(rows("pairs"))
    padding = batch["query_query_expansion_positions"].bool()
    assert batch["query_input_ids"].shape == (6, 16)
    assert (batch["query_input_ids"][padding] == vocabularies[1].mask).all()
    assert (batch["query_attention_mask"].bool() == ~padding).all()


def test_parallel_text_shows_the_teacher_english_on_both_sides(texts: Any, vocabularies: Any) -> None:
    batch = collator(texts, vocabularies)(rows("parallel"))
    assert torch.equal(batch["query_teacher_ids"], batch["document_teacher_ids"])
    assert "query_span_starts" not in batch
    assert not torch.equal(batch["query_input_ids"][:, 2:4], batch["document_input_ids"][:, 2:4])


def test_mined_negatives_are_a_column_of_their_own(texts: Any, vocabularies: Any) -> None:
    make = collator(texts, vocabularies)
    make.negatives = np.full((24, 2), NONE, np.uint32)
    make.negatives[0, 0] = 23
    batch = make(rows("pairs"))
    assert batch["label"].shape == (6, 2)
    assert batch["label"][0, 1].item() == int(texts["pairs"].arrays["text"][23])
    assert batch["negative_task"] == "document"


def test_a_sentence_asks_for_the_rest_of_its_passage() -> None:
    words = ["a", "b", "c", "d", "e", ".", "f", "g", "h", "i", "j", "."]
    asked, rest = split_cloze(words, random.Random(1), 0.0) or ([], [])
    assert asked in (words[:6], words[6:])
    assert sorted([*asked, *rest]) == sorted(words)
    assert split_cloze(words[:6], random.Random(1), 0.0) is None
    assert (split_cloze(words, random.Random(1), 1.0) or ([], []))[1] == words


def test_the_rate_rises_falls_and_goes_on_after_a_break() -> None:
    run = Run("test", steps=Steps(total=100, warmup=10, rewarm=5))
    whole, resumed = rate_of(run, 0, anew=False), rate_of(run, 50, anew=False)
    assert [whole(0), whole(9)] == [pytest.approx(0.1), pytest.approx(0.91)]
    assert [resumed(step) for step in range(50)] == [whole(50 + step) for step in range(50)]
    assert whole(100) == 0
    assert rate_of(run, 50, anew=True)(0) == pytest.approx(whole(50) / 5)


def test_an_optimizer_goes_on_with_its_moments_and_the_rates_of_the_schedule() -> None:
    run = Run("test", steps=Steps(total=100, warmup=10, rewarm=5, rate=0.5, head_rate=2.0, workers=0))
    weights = {"0.model.embeddings.word.weight": torch.ones(2, 2), "1.linear.weight": torch.ones(2, 2)}
    model = SimpleNamespace(named_parameters=lambda: [(n, nn.Parameter(w)) for n, w in weights.items()])
    one, schedule = make_optimizer(SimpleNamespace(model=model, step=0), run, None)
    for group in one.param_groups:
        group["params"][0].grad = torch.ones(2, 2)
    for _ in range(20):
        one.step()
        schedule.step()
    other, resumed = make_optimizer(SimpleNamespace(model=model, step=20), run, one.state_dict())
    assert resumed.get_last_lr() == pytest.approx(schedule.get_last_lr())
    assert sorted(resumed.get_last_lr()) == pytest.approx([0.5 * 0.8, 1.0 * 0.8])
    assert all(int(state["step"]) == 20 for state in other.state.values())


class Student(nn.Module):
    """Word embeddings at unit length: what the losses ask of a model, and no more."""

    def __init__(self, size: int, width: int = 8) -> None:
        super().__init__()
        self.words = nn.Embedding(size, width)

    def forward(self, features: dict[str, Tensor], task: str) -> dict[str, Tensor]:
        vectors = nn.functional.normalize(self.words(features["input_ids"]), dim=-1)
        return {"token_embeddings": vectors, "attention_mask": features["attention_mask"]}


class Transformer(nn.Module):
    def __init__(self, size: int, width: int = 12) -> None:
        super().__init__()
        self.words = nn.Embedding(size, width)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.words(input_ids))


def columns(batch: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    return [
        {key.removeprefix(f"{name}_"): value for key, value in batch.items() if key.startswith(f"{name}_")}
        for name in names
    ]


def train(loss: Any, batch: dict[str, Any], names: tuple[str, ...], steps: int) -> list[float]:
    optimizer = torch.optim.Adam(loss.model.parameters(), lr=0.05)
    found = []
    for _ in range(steps):
        parts = loss(columns(batch, *names), batch["label"])
        total = torch.stack(list(parts.values())).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        found.append(total.item())
    return found


@pytest.mark.parametrize("kind", [RetrievalLoss, ParallelLoss])
def test_both_losses_fall_and_leave_the_teacher_alone(kind: Any, texts: Any, vocabularies: Any) -> None:
    torch.manual_seed(0)
    teacher = Teacher(Transformer(len(vocabularies[0].pieces)), [], torch.randn(8, 12))
    before = teacher.transformer.words.weight.clone()  # type: ignore[union-attr]
    weights = Losses(widths=(4,), shipped=0.5, temperature=0.1, teacher_temperature=0.1)
    codec = ResidualCodec(8, subspaces=4, centroids=8)
    loss = kind(Student(len(vocabularies[1].pieces)), teacher, weights, codec).train()
    task = "pairs" if kind is RetrievalLoss else "parallel"
    batch = collator(texts, vocabularies)(rows(task, 12))
    found = train(loss, batch, ("query", "document"), 30)
    assert sum(found[-5:]) < sum(found[:5])
    assert torch.equal(before, teacher.transformer.words.weight)  # type: ignore[union-attr]
    assert not teacher.training


def test_a_student_that_is_its_teacher_has_nothing_to_learn(texts: Any, vocabularies: Any) -> None:
    torch.manual_seed(0)
    transformer = Transformer(len(vocabularies[0].pieces), 8)
    student = Student(len(vocabularies[0].pieces))
    student.words.weight.data.copy_(transformer.words.weight.data)
    loss = RetrievalLoss(student, Teacher(transformer, [], torch.eye(8)), Losses(), None).eval()
    batch = collator(texts, (vocabularies[0], vocabularies[0]))(rows("pairs"))
    assert loss(columns(batch, "query", "document"), batch["label"])["matrix"].item() < 1e-6


def test_mining_never_takes_what_may_be_right() -> None:
    arrays = {"text": np.array([1, 2, 1, 3, 4, 5]), "block": np.array([1, 1, 2, 3, 4, 5])}
    found = mine.choose(
        np.array([0]),
        np.array([[1, 2, 3, 4, 5]]),  # a neighbour, the same text, too good, and two that fit
        np.array([[True, True, False, True, True]]),
        SimpleNamespace(arrays=arrays),  # type: ignore[arg-type]
        np.random.default_rng(0),
    )
    assert found.tolist() == [[4, 5, NONE, NONE]]


def test_configurations_come_with_the_package() -> None:
    assert (Path(mine.__file__).parent / "configs" / "stage1.toml").is_file()

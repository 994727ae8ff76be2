"""The expansion audit, with encoders that expansion helps, hurts, or leaves alone."""

import json
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
from tokenizers import Tokenizer

from latefind_export.audit import (
    SMALLEST_LOSS,
    ExpansionAudit,
    audit_expansion,
    keep_expansion,
    randomisation_test,
)
from latefind_export.devset import DevSet, builtin_devset
from latefind_export.parity import OnnxEncoder
from latefind_export.plans import ReferencePlan, load_tokenizer
from latefind_export.settings import ExpansionSettings, Settings, Side

MASK = 103
NAMES = ("amber", "birch", "cedar", "daisy", "fern", "grape", "hazel", "ivory", "jade", "lemon", "maple")

FINDS = DevSet(
    documents={f"d{number}": name for number, name in enumerate(NAMES)},
    queries={f"q{number}": f"find {name}" for number, name in enumerate(NAMES)},
    judged={f"q{number}": {f"d{number}": 1} for number in range(len(NAMES))},
    name="finds",
)
"""A query is "find" and the one word of its document."""


@pytest.fixture(scope="module")
def tokenizer(model_dir: Path) -> Tokenizer:
    return load_tokenizer(model_dir / "tokenizer.json")


def settings(expand: bool) -> Settings:
    return Settings(
        name="test",
        license="Apache-2.0",
        languages=("en",),
        dimensions=128,
        query=Side(None, None, 32),
        expansion=ExpansionSettings(expand, MASK, attend=False),
        document=Side(None, None, 256),
        skiplist=(1012,),
    )


class FakeEncoder:
    """A random vector for every token id; what the padding gets depends on what expansion does."""

    def __init__(self, tokenizer: Tokenizer, expansion: Literal["helps", "hurts", "nothing"]) -> None:
        self.expansion = expansion
        self.find = tokenizer.token_to_id("find")
        vectors = np.random.default_rng(1).normal(size=(30_522, 32)).astype(np.float32)
        self.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        self.documents = 0

    def __call__(self, plan: ReferencePlan) -> npt.NDArray[np.float32]:
        ids = np.array(plan.ids)
        output = self.vectors[ids]
        if ids[1] != self.find:
            self.documents += 1
            return output
        padding, word = ids == MASK, self.vectors[ids[2]]
        if self.expansion == "helps":  # only the padding knows what is asked
            output[:] = 0
            output[padding] = word
        else:
            output[padding] = -4 * word if self.expansion == "hurts" else 0
        return output


def audit(tokenizer: Tokenizer, encoder: FakeEncoder) -> ExpansionAudit:
    return audit_expansion(settings(True), settings(False), tokenizer, encoder, FINDS)


def test_audit_drops_expansion_where_it_hurts(tokenizer: Tokenizer) -> None:
    found = audit(tokenizer, FakeEncoder(tokenizer, "hurts"))
    assert found.off == 1
    assert found.on < 0.7
    assert found.p < 0.05
    assert not found.chosen


def test_audit_keeps_expansion_where_it_helps(tokenizer: Tokenizer) -> None:
    found = audit(tokenizer, FakeEncoder(tokenizer, "helps"))
    assert found.on == 1
    assert found.off < 0.5
    assert found.chosen


def test_audit_keeps_expansion_where_it_does_nothing(tokenizer: Tokenizer) -> None:
    found = audit(tokenizer, FakeEncoder(tokenizer, "nothing"))
    assert found.on == found.off == found.p == 1
    assert found.chosen


def test_audit_encodes_every_document_once(tokenizer: Tokenizer) -> None:
    encoder = FakeEncoder(tokenizer, "helps")
    audit(tokenizer, encoder)
    assert encoder.documents == len(NAMES)


def test_audit_describes_itself_for_the_settings_file(tokenizer: Tokenizer) -> None:
    found = audit(tokenizer, FakeEncoder(tokenizer, "helps"))
    described = found.describe()
    assert json.loads(json.dumps(described)) == described
    assert described["chosen"] == "on"
    assert described["devset"] == "finds"
    assert described["queries"] == described["documents"] == len(NAMES)


@pytest.mark.parametrize(
    ("gain", "p", "kept"),
    [
        (-0.09, 0.001, False),
        (-0.09, 0.2, True),  # may be chance
        (-0.01, 0.001, True),  # not what the wrong setting costs
        (0.09, 0.001, True),
        (0.0, 1.0, True),
    ],
)
def test_expansion_is_dropped_only_for_a_large_and_certain_loss(gain: float, p: float, kept: bool) -> None:
    assert keep_expansion(gain, p) is kept


def test_randomisation_test_agrees_with_counting_all_signs() -> None:
    differences = np.array([0.5, 0.37, -0.1, 0.25, 0.0, 0.63, 0.5, -0.37])
    signs = 1 - 2 * ((np.arange(256)[:, None] >> np.arange(8)) & 1)
    exact = float((np.abs(signs @ differences) >= differences.sum() - 1e-9).mean())
    assert randomisation_test(differences) == pytest.approx(exact, abs=0.01)


def test_randomisation_test_is_never_certain_of_few_queries() -> None:
    assert randomisation_test(np.array([-1.0, -1.0, -1.0])) > 0.2


def test_audit_finds_that_the_shipped_model_was_not_trained_for_expansion(
    tokenizer: Tokenizer, model_dir: Path
) -> None:
    encoder = OnnxEncoder(model_dir / "model.onnx", threads=1)
    found = audit_expansion(settings(True), settings(False), tokenizer, encoder.encode, builtin_devset())
    assert found.off - found.on >= SMALLEST_LOSS
    assert not found.chosen

"""``golden.json``: what PyLate computes, or torch where PyLate is no judge; and graphs checked against it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from checkpoints import CHAIN, TINY, HeadLayer, make_bert

from latefind.errors import ModelError, VersionError
from latefind_export import bundle
from latefind_export.encoder import LateInteractionEncoder, load_encoder
from latefind_export.golden import TEXTS, check_golden, read_golden, write_golden
from latefind_export.hub import locate
from latefind_export.onnx_graph import export_onnx
from latefind_export.plans import ReferencePlan, load_tokenizer
from latefind_export.read_checkpoint import Overrides, read_checkpoint
from latefind_export.tokenizer_file import prepare_tokenizer, settle

NO_OVERRIDES = Overrides()


def write(
    folder: Path, target: Path, overrides: Overrides = NO_OVERRIDES
) -> tuple[str, LateInteractionEncoder]:
    """Write the golden file of a checkpoint as the command does; return the oracle's name and the encoder."""
    torch.set_num_threads(1)
    checkpoint = read_checkpoint(locate(str(folder)), overrides)
    target.mkdir()
    prepare_tokenizer(checkpoint, target / bundle.TOKENIZER)
    model = load_encoder(checkpoint)
    dimensions = len(checkpoint.dense[-1].weight) if checkpoint.dense else TINY.hidden
    settings = settle(checkpoint, target / bundle.TOKENIZER, dimensions, expand=True)
    tokenizer = load_tokenizer(target / bundle.TOKENIZER)
    return write_golden(target / bundle.GOLDEN, checkpoint, settings, tokenizer, model), model


@pytest.fixture(scope="module")
def golden(checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a golden file and the fp32 graph that it is of."""
    target = tmp_path_factory.mktemp("golden") / "bundle"
    _, model = write(checkpoint("bert", head=CHAIN), target)
    export_onnx(model, target / "fp32.onnx")
    return target


@pytest.mark.parametrize("family", ["bert", "stanford"])
def test_golden_is_computed_by_pylate(family: str, checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    assert write(checkpoint(family), tmp_path / "bundle")[0] == "pylate 1.6.0"


def test_golden_is_computed_by_torch_where_pylate_would_add_a_random_head(
    checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    oracle, _ = write(checkpoint("single_vector"), tmp_path / "bundle", Overrides(token_embeddings=True))
    assert oracle == f"torch {torch.__version__} (latefind_export)"


def test_golden_is_the_same_without_pylate(
    golden: Path, checkpoint: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pylate.models", None)
    oracle, _ = write(checkpoint("bert", head=CHAIN), tmp_path / "bundle")
    assert oracle.startswith("torch ")
    pairs = zip(
        read_golden(golden / "golden.json"), read_golden(tmp_path / "bundle/golden.json"), strict=True
    )
    for by_pylate, by_torch in pairs:
        assert (by_pylate.ids, by_pylate.mask) == (by_torch.ids, by_torch.mask)
        assert (by_pylate.scored, by_pylate.positions) == (by_torch.scored, by_torch.positions)
        np.testing.assert_allclose(by_pylate.embeddings, by_torch.embeddings, atol=1e-5)


def test_golden_says_where_pylate_fails(
    checkpoint: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pylate.models.ColBERT", lambda *_, **__: {}["encoder"])
    oracle, _ = write(checkpoint("bert"), tmp_path / "bundle")
    assert oracle == f"torch {torch.__version__} (latefind_export); PyLate fails with KeyError"


def test_golden_stays_small_with_long_queries_and_wide_embeddings(tmp_path: Path) -> None:
    head = [HeadLayer(768)]
    folder = make_bert(tmp_path / "checkpoint", head=head, query_length=256, document_length=300)
    write(folder, tmp_path / "bundle")
    golden = read_golden(tmp_path / "bundle/golden.json")
    assert [(text.kind, text.text) for text in golden] == list(TEXTS)
    assert (tmp_path / "bundle/golden.json").stat().st_size < 600_000
    for text in golden:
        assert text.positions[0] == 0
        assert text.positions[-1] == len(text.ids) - 1
        assert len(text.positions) == len(text.embeddings) >= 4


def test_golden_refuses_token_plans_that_are_not_pylates(
    checkpoint: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "latefind_export.golden.plan", lambda *_: ReferencePlan([101, 102], [1, 1], [True] * 2)
    )
    with pytest.raises(ModelError, match=r"the query 'Mars is .* expected PyLate's ids \[101, 30522,"):
        write(checkpoint("bert"), tmp_path / "bundle")


def test_check_golden_accepts_the_graph_that_computes_it(golden: Path) -> None:
    assert check_golden(golden / "golden.json", golden / "fp32.onnx") > 0.99999


def test_check_golden_refuses_a_graph_that_differs(golden: Path, tmp_path: Path) -> None:
    graph = onnx.load(golden / "fp32.onnx")
    bias = next(tensor for tensor in graph.graph.initializer if tensor.name.endswith("LayerNorm.bias"))
    values = onnx.numpy_helper.to_array(bias)
    bias.CopyFrom(onnx.numpy_helper.from_array(np.zeros_like(values), bias.name))
    onnx.save(graph, tmp_path / "changed.onnx")
    with pytest.raises(ModelError, match=r"expected a cosine of at least 0\.9999 with golden\.json"):
        check_golden(golden / "golden.json", tmp_path / "changed.onnx")


def test_read_golden_refuses_an_unknown_version(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    path.write_text(json.dumps({"version": 3, "texts": []}))
    with pytest.raises(VersionError, match="expected golden version 2, got 3"):
        read_golden(path)

"""The ways to store weights, the gate between them, and onnxruntime-web's view of the result."""

import base64
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from tiny_encoders import (
    HIDDEN,
    WORDS,
    checkpoint_of,
    random_batch,
    random_weight,
    save_transformer,
)

from latefind.errors import ModelError
from latefind_build.model_file import pack_model
from latefind_export import gate, quantize
from latefind_export.checkpoint import DenseLayer
from latefind_export.coarse import INTEGERS, SCALES
from latefind_export.encoder import LateInteractionEncoder, load_encoder
from latefind_export.gate import Gate, Sample, choose_scheme, warn_of_size
from latefind_export.graph_file import word_table
from latefind_export.grid import column_steps, to_grid
from latefind_export.half import store_half
from latefind_export.onnx_graph import export_onnx
from latefind_export.parity import Parity, compare, rank_agreement, score_all
from latefind_export.plans import ReferencePlan
from latefind_export.settings import INPUTS, OUTPUT
from latefind_export.table4 import quantize_blocks, quantize_table

TINY_LEAST = {
    "int8": 0.99,
    "int8+emb4": 0.95,
    "int4": 0.9,
    "int3": 0.8,
    "fp16": 0.99999,
    "none": 0.999999,
}
"""Least mean cosine of a tiny graph with its fp32 form. Random weights have no slack: in a table of
independent normal values 4 bits err by a tenth."""

WEB_TOLERANCE = {
    "int8": 0.99,
    "int8+emb4": 0.99,
    "int4": 0.99,
    "int3": 0.99,
    "fp16": 0.9999,
    "none": 0.9999,
}
"""Least mean cosine between onnxruntime-web and native onnxruntime. In int8 the scale of each activation
tensor hangs on its one largest value, so rounding that differs in the last bit moves all others by a step."""


def plan_of(length: int) -> ReferencePlan:
    """Return the plan of a random text, all of it attended to and scored."""
    ids = random_batch(1, length)[0][0].tolist()
    return ReferencePlan(ids, [1] * length, [True] * length)


FAMILIES = ("bert", "modernbert", "roberta", "distilbert", "mpnet", "albert")
"""XLM-R and CamemBERT are RoBERTa, and ELECTRA is BERT, as far as their operators go."""

WEB_BATCH = random_batch(2, 30)

CALIBRATION = [plan_of(length) for length in range(20, 60)]

RUNNER = Path(__file__).with_name("run_onnxruntime_web.mjs")


Graphs = dict[tuple[str, str], Path]
"""By family and scheme."""


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Graphs:
    """Every family by every scheme."""
    torch.set_num_threads(1)
    made: Graphs = {}
    for family in FAMILIES:
        folder = save_transformer(tmp_path_factory.mktemp(family), family)
        encoder = load_encoder(checkpoint_of(folder, DenseLayer(random_weight(16, HIDDEN))))
        export_onnx(encoder, folder / "fp32.onnx")
        for scheme in quantize.SCHEMES:
            made[family, scheme] = folder / f"{scheme}.onnx"
            described = quantize.quantize(folder / "fp32.onnx", made[family, scheme], scheme, CALIBRATION)
            assert described["type"] == scheme
    return made


def run_native(graph: Path, ids: object, mask: object) -> npt.NDArray[np.float32]:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run([OUTPUT], dict(zip(INPUTS, (ids, mask), strict=True)))[0]


@pytest.fixture(scope="module")
def from_web(graphs: Graphs) -> dict[tuple[str, str], npt.NDArray[np.float32]]:
    """What onnxruntime-web makes of one batch, by each graph."""
    ids, mask = (rows.tolist() for rows in WEB_BATCH)
    jobs = json.dumps([{"model": str(graph), "ids": ids, "mask": mask} for graph in graphs.values()])
    command = ["node", str(RUNNER)]
    result = subprocess.run(command, input=jobs, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    outputs = [
        np.frombuffer(base64.b64decode(output["data"]), "<f4").reshape(output["dims"])
        for output in json.loads(result.stdout)
    ]
    return dict(zip(graphs, outputs, strict=True))


def matrices(tensors: Iterable[onnx.TensorProto], kind: int) -> list[list[int]]:
    """Return the shapes of the matrices that are stored as this type, scales and zero points left out."""
    return [
        list(tensor.dims)
        for tensor in tensors
        if tensor.data_type == kind and len(tensor.dims) > 1 and not tensor.name.endswith("_scales")
    ]


def cosines(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.einsum("bld,bld->bl", one, other)


# ---------------------------------------------------------------------------------------- schemes


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scheme", quantize.SCHEMES)
def test_scheme_stays_close_to_fp32(family: str, scheme: quantize.Scheme, graphs: Graphs) -> None:
    for texts, length in ((1, 3), (3, 50)):
        batch = random_batch(texts, length)
        got = run_native(graphs[family, scheme], *batch)
        assert cosines(got, run_native(graphs[family, "none"], *batch)).mean() > TINY_LEAST[scheme]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scheme", ["int8", "int8+emb4", "int4", "int3"])
def test_int8_leaves_no_matrix_but_the_head_in_fp32(family: str, scheme: str, graphs: Graphs) -> None:
    tensors = onnx.load(graphs[family, scheme]).graph.initializer
    assert matrices(tensors, TensorProto.FLOAT) == [[HIDDEN, 16]]


@pytest.mark.parametrize("family", FAMILIES)
def test_emb4_stores_only_words_in_4_bits(family: str, graphs: Graphs) -> None:
    tensors = onnx.load(graphs[family, "int8+emb4"]).graph.initializer
    (words,) = matrices(tensors, TensorProto.INT4)
    assert words[0] == WORDS
    assert [WORDS, words[1]] not in matrices(tensors, TensorProto.INT8)


@pytest.mark.parametrize("family", FAMILIES)
def test_fp16_halves_every_large_tensor(family: str, graphs: Graphs) -> None:
    for tensor in onnx.load(graphs[family, "fp16"]).graph.initializer:
        assert tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < 1024
    assert graphs[family, "fp16"].stat().st_size < graphs[family, "none"].stat().st_size


def test_fp16_keeps_values_that_it_cannot_hold(graphs: Graphs) -> None:
    model = onnx.load(graphs["bert", "none"])
    _, table = word_table(model)
    values = numpy_helper.to_array(table).copy()
    values[7, 3] = 1e5
    table.CopyFrom(numpy_helper.from_array(values, table.name))
    store_half(model)
    (kept,) = [tensor for tensor in model.graph.initializer if tensor.name == table.name]
    assert np.array_equal(numpy_helper.to_array(kept), values)
    onnx.checker.check_model(model)


def test_external_data_is_refused(graphs: Graphs, tmp_path: Path) -> None:
    onnx.save(
        onnx.load(graphs["bert", "none"]),
        tmp_path / "fp32.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    for scheme in quantize.SCHEMES:
        with pytest.raises(ModelError, match="got one with external data"):
            quantize.quantize(tmp_path / "fp32.onnx", tmp_path / "model.onnx", scheme)


# -------------------------------------------------------------------------------------- 4-bit tables


@pytest.mark.parametrize("columns", [32, 48, 7])
def test_blocks_err_by_half_a_step_where_nothing_is_cut_off(columns: int) -> None:
    table = random_weight(50, columns)
    values, scales = quantize_blocks(table, 16)
    assert values.min() >= -8
    assert values.max() <= 7
    steps = np.repeat(scales.astype(np.float32), 16, axis=1)[:, :columns]
    errors = np.abs(values * steps - table)
    assert (errors <= np.abs(steps) * 1.01).all()
    assert np.median(errors / np.abs(steps)) < 0.3


def test_blocks_of_zeros_stay_zero() -> None:
    values, _ = quantize_blocks(np.zeros((2, 32), np.float32), 16)
    assert not values.any()


@pytest.mark.parametrize("columns", [64, 40, 33])
def test_runtime_reads_the_table_that_was_written(columns: int) -> None:
    table = random_weight(9, columns)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "ids"], ["rows"], name="words")],
        "lookup",
        [value("ids", TensorProto.INT64, ["n"])],
        [value("rows", TensorProto.FLOAT, ["n", columns])],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    quantize_table(model, block=16)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    ids = np.array([8, 0, 3, 3])
    values, scales = quantize_blocks(table, 16)
    expected = values * np.repeat(scales.astype(np.float32), 16, axis=1)[:, :columns]
    assert np.allclose(session.run(None, {"ids": ids})[0], expected[ids], atol=1e-7)


# ------------------------------------------------------------------------------------------- parity


def test_compare_reports_mean_percentile_and_lowest() -> None:
    angles = np.linspace(0, 1, 101, dtype=np.float32)
    turned = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    parity = compare([np.tile(np.float32([1, 0]), (101, 1))], [turned])
    assert parity == Parity(
        tokens=101,
        mean=pytest.approx(np.cos(angles).mean()),
        percentile_1=pytest.approx(np.cos(0.99), abs=1e-4),
        lowest=pytest.approx(np.cos(1.0)),
    )


def test_score_all_is_the_sum_of_the_best_matches() -> None:
    query = np.float32([[1, 0], [0, 1]])
    documents = [np.float32([[1, 0]]), np.float32([[0.6, 0.8], [0, 1]])]
    assert np.allclose(score_all([query], documents), [[1.0, 1.6]])


def test_rank_agreement_is_the_share_of_the_first_ten_that_both_have() -> None:
    scores = np.arange(20, 0, -1, dtype=np.float32)[None]  # documents 0 to 9 come first
    other = scores.copy()
    other[0, 15:18] = 100  # 7 of them stay
    assert rank_agreement(scores, other) == pytest.approx(0.7)
    assert rank_agreement(scores, 2 * scores) == 1


# --------------------------------------------------------------------------------------------- gate


@pytest.fixture
def gated(tmp_path: Path) -> tuple[Path, Sample, LateInteractionEncoder]:
    """An fp32 graph, texts, and the encoder that both are of."""
    encoder = load_encoder(checkpoint_of(save_transformer(tmp_path, "bert")))
    export_onnx(encoder, tmp_path / "fp32.onnx")
    plans = [plan_of(length) for length in range(5, 45)]
    return tmp_path / "fp32.onnx", Sample(plans[:10], plans[10:]), encoder


def demand(monkeypatch: pytest.MonkeyPatch, mean: float) -> None:
    """Set the gate to a mean cosine and nothing else."""
    for name in ("CLOSE", "COARSE"):
        monkeypatch.setattr(gate, name, Gate(mean, percentile_1=-1, rank_agreement=0, ndcg_kept=0))


def test_gate_keeps_the_scheme_that_passes(
    gated: tuple[Path, Sample, LateInteractionEncoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fp32, sample, encoder = gated
    demand(monkeypatch, 0.9)
    (attempt,) = choose_scheme(fp32, tmp_path / "model.onnx", "int8+emb4", sample, encoder)
    assert attempt.passed
    assert attempt.options["table_bits"] == 4
    assert attempt.size == (tmp_path / "model.onnx").stat().st_size
    assert attempt.parity.tokens == sum(len(plan.ids) for plan in [*sample.queries, *sample.documents])


def test_gate_goes_down_the_ladder(
    gated: tuple[Path, Sample, LateInteractionEncoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fp32, sample, encoder = gated
    demand(monkeypatch, 0.99999)
    attempts = choose_scheme(fp32, tmp_path / "model.onnx", "int8+emb4", sample, encoder)
    assert [(attempt.scheme, attempt.passed) for attempt in attempts] == [
        ("int8+emb4", False),
        ("int8", False),
        ("fp16", True),
    ]
    means = [attempt.parity.mean for attempt in attempts]
    assert means == sorted(means)
    assert attempts[-1].size == (tmp_path / "model.onnx").stat().st_size


def test_gate_fails_with_the_figures_of_every_attempt(
    gated: tuple[Path, Sample, LateInteractionEncoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fp32, sample, encoder = gated
    demand(monkeypatch, 1.1)
    message = (
        r"--quantize int8: expected a mean cosine of at least 1\.1.*got int8: mean.*; fp16: mean cosine 1\.0"
    )
    with pytest.raises(ModelError, match=message):
        choose_scheme(fp32, tmp_path / "model.onnx", "int8", sample, encoder)
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("asked", ["fp16", "none"])
def test_gate_does_not_fall_below_the_exact_schemes(
    asked: quantize.Scheme,
    gated: tuple[Path, Sample, LateInteractionEncoder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fp32, sample, encoder = gated
    demand(monkeypatch, 1.1)
    with pytest.raises(ModelError, match=rf"got {asked}: [^;]*Nothing was written"):
        choose_scheme(fp32, tmp_path / "model.onnx", asked, sample, encoder)


@pytest.mark.parametrize(
    ("mean", "percentile_1", "agreement"),
    [(0.9, 0.99, 0.99), (0.99, 0.8, 0.99), (0.99, 0.98, 0.5), (float("nan"), 0.99, 0.99)],
)
def test_gate_refuses_each_figure_that_is_too_low(mean: float, percentile_1: float, agreement: float) -> None:
    assert gate.passes_gate(gate.CLOSE, Parity(9, 0.995, 0.99, 0.2), 0.99)
    assert not gate.passes_gate(gate.CLOSE, Parity(9, mean, percentile_1, 0.2), agreement)


def test_gate_of_coarse_grids_looks_at_what_is_found() -> None:
    parity = Parity(9, 0.965, 0.91, 0.2)
    assert not gate.passes_gate(gate.gate_of("int8"), parity, 0.8)
    assert gate.passes_gate(gate.gate_of("int3"), parity, 0.8, ndcg_kept=0.99)
    assert not gate.passes_gate(gate.gate_of("int3"), parity, 0.8, ndcg_kept=0.97)


def test_gate_measures_which_share_of_ndcg_is_kept(
    gated: tuple[Path, Sample, LateInteractionEncoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fp32, sample, encoder = gated
    demand(monkeypatch, -1)
    found: list[float] = [0.6, 0.8]  # of the quantised graph, then of the encoder
    judged = Sample(sample.queries, sample.documents, judge=lambda _: found.pop(0))
    (attempt,) = choose_scheme(fp32, tmp_path / "model.onnx", "int4", judged, encoder)
    assert attempt.ndcg_kept == pytest.approx(0.75)


# ------------------------------------------------------------------------------------ coarse grids


def compressed(graph: Path) -> int:
    return len(pack_model(graph.read_bytes()))


@pytest.mark.parametrize("family", FAMILIES)
def test_coarse_grids_compress_better_and_are_no_smaller_raw(family: str, graphs: Graphs) -> None:
    coarse, finer, int8 = (graphs[family, scheme] for scheme in ("int3", "int4", "int8"))
    assert compressed(coarse) < compressed(finer) < compressed(int8)
    assert coarse.stat().st_size == pytest.approx(int8.stat().st_size, rel=0.01)


def test_coarse_weights_are_rounded_for_the_text(graphs: Graphs, tmp_path: Path) -> None:
    """On other text of the kind, that is closer to fp32 than rounding each weight by itself."""
    fp32 = graphs["bert", "none"]
    quantize.quantize(fp32, tmp_path / "plain.onnx", "int3")
    batch = random_batch(3, 64)
    exact = run_native(fp32, *batch)
    plain, rounded = (
        cosines(run_native(graph, *batch), exact).mean()
        for graph in (tmp_path / "plain.onnx", graphs["bert", "int3"])
    )
    assert 1 - rounded < 1 - plain


def test_coarse_graph_keeps_a_grid_that_its_checkpoint_lies_on(graphs: Graphs, tmp_path: Path) -> None:
    """What training rounded is stored as it was trained, whatever the scheme's own grid."""
    model = onnx.load(graphs["bert", "none"])
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    node = next(node for node in model.graph.node if node.op_type == "MatMul" and node.input[1] in weights)
    tensor = weights[node.input[1]]
    weight = numpy_helper.to_array(tensor)
    steps = column_steps(weight, 0.6)
    trained = to_grid(weight, steps) * steps
    tensor.CopyFrom(numpy_helper.from_array(trained, tensor.name))
    onnx.save(model, tmp_path / "fp32.onnx")
    quantize.quantize(tmp_path / "fp32.onnx", tmp_path / "model.onnx", "int3", CALIBRATION)
    stored = {found.name: found for found in onnx.load(tmp_path / "model.onnx").graph.initializer}
    integers, scales = (numpy_helper.to_array(stored[tensor.name + suffix]) for suffix in (INTEGERS, SCALES))
    assert np.allclose(integers * scales, trained, rtol=1e-3)


def test_warn_of_size_says_what_visitors_download() -> None:
    assert warn_of_size(100_000_000) is None
    assert "278 MB, and every visitor" in (warn_of_size(278_000_000) or "")


# ----------------------------------------------------------------------------------- onnxruntime-web


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scheme", quantize.SCHEMES)
def test_web_runtime_computes_what_the_native_one_does(
    family: str,
    scheme: quantize.Scheme,
    graphs: Graphs,
    from_web: dict[tuple[str, str], npt.NDArray[np.float32]],
) -> None:
    native = run_native(graphs[family, scheme], *WEB_BATCH)
    assert cosines(from_web[family, scheme], native).mean() > WEB_TOLERANCE[scheme]

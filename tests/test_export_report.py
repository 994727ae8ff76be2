"""``report.md``: every figure has its place, and what the report measures itself is measured right."""

import shutil
from dataclasses import replace
from pathlib import Path

import brotli
import numpy as np
import pytest
import transformers
from transformers import AutoModel, PretrainedConfig

from latefind_export import figures as measured
from latefind_export.audit import ExpansionAudit
from latefind_export.checkpoint import Card, Checkpoint, DenseLayer, Semantics
from latefind_export.encoder import with_head
from latefind_export.figures import FileSize, ReportFigures, Shapes, Speed
from latefind_export.gate import Attempt
from latefind_export.parity import Parity
from latefind_export.plans import ReferencePlan, load_tokenizer, plan
from latefind_export.report import TABLE_HEAD, render_report, table_row
from latefind_export.settings import ExpansionSettings, Settings, Side

SETTINGS = Settings(
    name="test-colbert",
    license="Apache-2.0",
    languages=("en", "de"),
    dimensions=128,
    query=Side("[Q] ", 30522, 32),
    expansion=ExpansionSettings(enabled=True, token_id=103, attend=False),
    document=Side("[D] ", 30523, 300),
    skiplist=(1010, 1012),
)

MISSED = Attempt(
    "int3",
    {"type": "int3"},
    13_600_000,
    Parity(9_000, 0.9712, 0.9123, 0.8011),
    0.871,
    passed=False,
    ndcg_kept=0.913,
)
PASSED = Attempt(
    "int8", {"type": "int8"}, 16_100_000, Parity(9_000, 0.9912, 0.9801, 0.9502), 0.964, passed=True
)

FIGURES = ReportFigures(
    source="owner/test-colbert@1234567",
    layout="pylate",
    shapes=Shapes(
        family="bert",
        vocabulary=30_524,
        hidden=288,
        layers=10,
        heads=12,
        positions=512,
        head=("288 → 128, no bias, no activation",),
        dimensions=128,
        parameters=15_700_000,
        word_embeddings=8_790_912,
    ),
    settings=SETTINGS,
    expansion_by="checkpoint",
    audit=None,
    attempts=(MISSED, PASSED),
    sample=(175, 174),
    devset="built-in",
    fp32_bytes=62_900_000,
    files=(
        FileSize("model.onnx", 16_100_000, 13_900_000, 13_800_000),
        FileSize("tokenizer.json", 466_000, 180_000, 152_000),
    ),
    speed=Speed(fp32=23.04, stored=15.12, queries=40, threads=1, processor="A Processor"),
    oracle="pylate 1.6.0",
    versions={"latefind": "0.1.0", "onnxruntime": "1.30.0"},
)

AUDIT = ExpansionAudit(
    on=0.4845, off=0.5826, p=0.0001, queries=175, documents=174, devset="built-in", chosen=False
)


def dense(outputs: int, inputs: int, **settings: object) -> DenseLayer:
    return DenseLayer(np.ones((outputs, inputs), np.float32), **settings)  # type: ignore[arg-type]


def checkpoint(*layers: DenseLayer) -> Checkpoint:
    semantics = Semantics(
        "[Q] ", "[D] ", 32, 300, None, attend=False, expansion_token=None, skiplist_words=()
    )
    return Checkpoint(Path("nowhere"), "pylate", layers, semantics, Card("test", "MIT", ()), "nowhere")


@pytest.mark.parametrize(
    "line",
    [
        "# test-colbert: export report",
        "| vocabulary | 30,524 |",
        "| layers | 10 |",
        "| attention heads | 12 |",
        "| positions | 512 |",
        "| head | 288 → 128, no bias, no activation |",
        "| parameters | 15,700,000: 8,790,912 in word embeddings, 6,909,088 elsewhere |",
        "| prefix | `[Q] `, token 30522 | `[D] `, token 30523 |",
        "| length in tokens, at most | 32 | 300 |",
        "| fp32 | 62.9 |  |  |  |  |  |  |",
        "| `int3` | 13.6 | 0.9712 | 0.9123 | 0.8011 | 0.871 | 0.913 | missed |",
        "| `int8` | 16.1 | 0.9912 | 0.9801 | 0.9502 | 0.964 | 1.000 | passed |",
        "The gate asks `int8` for 0.98, 0.95 and 0.85 of mean cosine, 1st percentile and rank agreement.",
        "The gate asks `int3` for 0.95, 0.88 and 0.7 of mean cosine, 1st percentile and rank agreement, "
        "and for 0.98 of PyTorch's nDCG@10.",
        "| `model.onnx` | 16,100,000 | 13,900,000 | 13,800,000 |",
        "| together | 16,566,000 | 14,080,000 | 13,952,000 |",
        "| fp32 | 23.0 |",
        "| `int8` | 15.1 |",
        "latefind 0.1.0, onnxruntime 1.30.0.",
    ],
)
def test_report_has_the_line(line: str) -> None:
    assert line in render_report(FIGURES).splitlines()


def test_report_says_who_computed_the_golden_texts() -> None:
    assert "`golden.json` was computed by pylate 1.6.0" in render_report(FIGURES)


@pytest.mark.parametrize(
    ("by", "says"), [("checkpoint", "the checkpoint"), ("option", "`--query-expansion`")]
)
def test_report_says_who_decided_expansion(by: measured.DecidedBy, says: str) -> None:
    expected = (
        f"On: queries are padded with token 103 to their length, not attended to and scored, as {says} says."
    )
    assert expected in render_report(replace(FIGURES, expansion_by=by))


def test_report_has_the_figures_of_an_audit() -> None:
    settings = replace(SETTINGS, expansion=ExpansionSettings(enabled=False, token_id=103, attend=False))
    report = render_report(replace(FIGURES, settings=settings, expansion_by="audit", audit=AUDIT))
    assert "Off: queries are not padded." in report
    assert "| on | 0.4845 |\n| off | 0.5826 |" in report
    assert "Here off is better by +0.0981, and p is 0.0001." in report


def test_report_asks_for_a_licence_that_no_card_states() -> None:
    report = render_report(replace(FIGURES, settings=replace(SETTINGS, license="unknown")))
    assert "The model card states no licence: ask its authors" in report
    assert "derived from those of `owner/test-colbert@1234567`" in report


def test_report_of_a_model_without_head_and_prefixes_says_so() -> None:
    shapes = replace(FIGURES.shapes, head=(), positions=None)
    settings = replace(SETTINGS, query=Side(None, None, 32), document=Side(None, None, 300))
    report = render_report(replace(FIGURES, shapes=shapes, settings=settings))
    assert "| head | none: the transformer's embeddings as they are |" in report
    assert "| positions | not stated |" in report
    assert "| prefix | none | none |" in report


def test_report_keeps_a_name_with_a_bar_in_its_cell() -> None:
    settings = replace(SETTINGS, query=Side("a|b", 5, 32))
    assert "| prefix | `a\\|b`, token 5 |" in render_report(replace(FIGURES, settings=settings))


def test_table_row_has_a_cell_for_every_column() -> None:
    row = table_row(FIGURES)
    assert row == (
        "| bert | pylate | 15.7 M | 62.9 | int8 | 16.1 | 13.8 | 0.9912 | 0.9801 | 0.964 | 23.0 | 15.1 |"
    )
    assert [line.count("|") for line in TABLE_HEAD.splitlines()] == [row.count("|")] * 2


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (dense(128, 288), "288 → 128, no bias, no activation"),
        (
            dense(
                8,
                8,
                bias=np.ones(8, np.float32),
                activation="torch.nn.modules.activation.GELU",
                residual=True,
            ),
            "8 → 8, bias, GELU, residual",
        ),
        (
            dense(4, 8, residual=True, residual_weight=np.ones((4, 8), np.float32)),
            "8 → 4, no bias, no activation, residual with a weight of its own",
        ),
    ],
)
def test_describe_layer(layer: DenseLayer, says: str) -> None:
    assert measured.describe_layer(layer) == says


@pytest.mark.parametrize(
    ("config", "positions"),
    [
        (transformers.BertConfig(90, 16, 2, 4, 32, max_position_embeddings=40), 40),
        (
            transformers.DistilBertConfig(
                90, dim=16, n_layers=2, n_heads=4, hidden_dim=32, max_position_embeddings=40
            ),
            40,
        ),
        (transformers.XLMRobertaConfig(90, 16, 2, 4, 32, max_position_embeddings=42), 40),
    ],
    ids=["bert", "distilbert", "xlm-roberta"],
)
def test_describe_shapes_of_a_family(config: PretrainedConfig, positions: int) -> None:
    made = checkpoint(dense(8, 16))
    model = with_head(AutoModel.from_config(config), made.dense)
    shapes = measured.describe_shapes(made, model, 8)
    assert shapes.family == config.model_type
    assert (shapes.vocabulary, shapes.hidden, shapes.layers, shapes.heads) == (90, 16, 2, 4)
    assert (shapes.positions, shapes.dimensions) == (positions, 8)
    assert shapes.word_embeddings == 90 * 16
    assert shapes.parameters == sum(weight.numel() for weight in model.parameters())


def test_measure_sizes_tells_what_brotli_makes_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"latefind " * 1_000)
    size = measured.measure_sizes(path)
    assert (size.name, size.raw) == ("file", 9_000)
    assert size.brotli == len(brotli.compress(path.read_bytes(), quality=measured.BROTLI_QUALITY)) < 100


def test_measure_speed_times_both_graphs_on_at_most_forty_queries(model_dir: Path) -> None:
    graph, short = model_dir / "model.onnx", ReferencePlan([101, 102], [1, 1], [True, True])
    speed = measured.measure_speed(graph, graph, [short] * 100)
    assert 0 < speed.queries <= measured.TIMED_QUERIES
    assert speed.fp32 > 0
    assert speed.stored > 0
    assert speed.processor


def test_collect_figures_measures_the_staged_files(model_dir: Path, tmp_path: Path) -> None:
    for name in ("model.onnx", "tokenizer.json"):
        shutil.copyfile(model_dir / name, tmp_path / name)
    config = transformers.BertConfig(90, 16, 2, 4, 32)
    made = checkpoint(dense(8, 16))
    settings = replace(SETTINGS, query=Side(None, None, 32))
    found = measured.collect_figures(
        checkpoint=made,
        model=with_head(AutoModel.from_config(config), made.dense),
        settings=settings,
        expansion_by="audit",
        audit=AUDIT,
        attempts=[PASSED],
        queries=[plan(load_tokenizer(tmp_path / "tokenizer.json"), settings, "query", "a question")],
        documents=9,
        devset="mine.jsonl",
        fp32=tmp_path / "model.onnx",
        stage=tmp_path,
        oracle="torch",
    )
    assert [file.name for file in found.files] == ["model.onnx", "tokenizer.json"]
    assert found.fp32_bytes == found.files[0].raw == (model_dir / "model.onnx").stat().st_size
    assert found.sample == (1, 9)
    assert {"Python", "latefind", "torch", "transformers", "onnxruntime"} <= found.versions.keys()
    assert "on 1 query and 9 passages, dev set mine.jsonl" in render_report(found)

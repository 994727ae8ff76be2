"""Reading checkpoints of every layout: token plans as PyLate's, heads, single-vector models."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from checkpoint_reading import TEXTS, edit, planner, read
from checkpoint_tokenizers import reference_wordpiece
from checkpoints import CHAIN, FAMILIES, make_distilbert, make_single_vector, make_stanford
from pylate import models
from safetensors.torch import load_file

from latefind.errors import ModelError, UsageError
from latefind_export import encoder
from latefind_export.plans import Kind, ReferencePlan

MULTI_VECTOR = Path(__file__).parent / "golden/multi-vector"


def pylate_plan(model: models.ColBERT, kind: Kind, text: str) -> ReferencePlan:
    features = model.tokenize([text], is_query=kind == "query")
    mask = features["attention_mask"].bool()
    if kind == "document":
        scored = mask & model.skiplist_mask(features["input_ids"], model.skiplist)
    else:
        scored = torch.ones_like(mask) if model.do_query_expansion else mask
    return ReferencePlan(
        features["input_ids"][0].tolist(), features["attention_mask"][0].tolist(), scored[0].tolist()
    )


def check_plans(folder: Path, scratch: Path, **overrides: Any) -> None:
    """Compare our plans with PyLate's, both reading the checkpoint with the same arguments."""
    checkpoint = read(folder, **overrides)
    renamed = {"expand": "do_query_expansion"}
    arguments = {renamed.get(name, name): value for name, value in overrides.items()}
    if "skiplist_words" in arguments:
        arguments["skiplist_words"] = list(arguments["skiplist_words"])
    oracle = models.ColBERT(str(folder), device="cpu", **arguments)
    _, plan = planner(checkpoint, scratch)
    sides: tuple[Kind, Kind] = ("query", "document")
    for kind in sides:
        for text in TEXTS:
            assert plan(kind, text) == pylate_plan(oracle, kind, text), (kind, text)


# ------------------------------------------------------------------------------------ plans as PyLate's


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"query_length": 9, "document_length": 12},
        {"query_prefix": "", "document_prefix": ""},
        {"query_prefix": "[unused5]", "document_prefix": "the"},
        {"expand": False},
        {"skiplist_words": ("the", "planet", "no-such-token")},
        {"skiplist_words": ()},
    ],
    ids=lambda overrides: ",".join(overrides) or "none",
)
def test_plans_equal_pylates_with_overrides(
    overrides: dict[str, Any], bert_checkpoint: Path, tmp_path: Path
) -> None:
    check_plans(bert_checkpoint, tmp_path, **overrides)


@pytest.mark.parametrize(
    "settings",
    [
        {"attend_to_expansion_tokens": True, "query_length": 17},
        {"do_query_expansion": False, "attend_to_expansion_tokens": True},
        {"query_prefix": "", "document_prefix": "[D] ", "document_length": 30},
        {"skiplist_words": ["a", "§"]},
    ],
    ids=lambda settings: ",".join(settings),
)
def test_plans_equal_pylates_with_the_checkpoints_settings(settings: dict[str, Any], tmp_path: Path) -> None:
    check_plans(make_distilbert(tmp_path / "checkpoint", **settings), tmp_path)


@pytest.mark.parametrize("metadata", [{}, {"attend_to_mask_tokens": True, "query_maxlen": 11}])
def test_plans_of_a_stanford_checkpoint_equal_pylates(metadata: dict[str, Any], tmp_path: Path) -> None:
    check_plans(make_stanford(tmp_path / "checkpoint", **metadata), tmp_path)


def test_plans_of_a_stanford_checkpoint_without_metadata_equal_pylates(tmp_path: Path) -> None:
    folder = make_stanford(tmp_path / "checkpoint")
    (folder / "artifact.metadata").unlink()
    check_plans(folder, tmp_path)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_plans_of_other_families_equal_pylates(family: str, tmp_path: Path) -> None:
    check_plans(FAMILIES[family](tmp_path / "checkpoint", query_length=20), tmp_path)


@pytest.mark.parametrize("text", ["Mars is the Red PLANET.", "THE END"])
def test_plans_equal_pylates_where_texts_are_lowercased(text: str, tmp_path: Path) -> None:
    folder = make_distilbert(tmp_path / "checkpoint")
    _, cased = planner(read(folder), tmp_path)
    edit(folder / "sentence_bert_config.json", do_lower_case=True)
    _, plan = planner(read(folder), tmp_path)
    assert plan("query", text) == pylate_plan(models.ColBERT(str(folder), device="cpu"), "query", text)
    assert plan("query", text) != cased("query", text)


SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 514,
}


@pytest.mark.parametrize("kind", ["Camembert", "Electra", "MPNet"])
def test_further_encoders_compute_what_pylate_computes(kind: str, tmp_path: Path) -> None:
    tokenizer = reference_wordpiece(512)
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(tokenizer), **SIZES)
    getattr(transformers, f"{kind}Model")(config).save_pretrained(tmp_path / "parts")
    tokenizer.save_pretrained(tmp_path / "parts")
    # Of a plain transformer PyLate makes a ColBERT with a random head.
    pylate = models.ColBERT(str(tmp_path / "parts"), device="cpu", embedding_size=16)
    pylate.save_pretrained(str(tmp_path / "checkpoint"), create_model_card=False)
    checkpoint = read(tmp_path / "checkpoint")
    _, plan = planner(checkpoint, tmp_path)
    model = encoder.load_encoder(checkpoint)
    for text in TEXTS:
        expected = pylate.encode([text], is_query=True)[0]
        np.testing.assert_allclose(encoder.encode(model, plan("query", text)), expected, atol=2e-6)


# --------------------------------------------------------------------------------------------- layouts


def test_multi_vector_checkpoint_computes_what_sentence_transformers_6_computes(tmp_path: Path) -> None:
    checkpoint = read(MULTI_VECTOR)
    _, plan = planner(checkpoint, tmp_path)
    model = encoder.load_encoder(checkpoint)
    rows = json.loads((MULTI_VECTOR / "expected.json").read_text(encoding="utf-8"))
    assert [row["kind"] for row in rows] == ["query"] * 5 + ["document"] * 4
    for row in rows:
        ours = plan(row["kind"], row["text"])
        assert (ours.ids, ours.mask, ours.scored) == (row["ids"], row["mask"], row["scored"])
        expected = np.frombuffer(base64.b64decode(row["embeddings"]), "<f4").reshape(len(ours.ids), -1)
        np.testing.assert_allclose(encoder.encode(model, ours), expected, atol=2e-6)


@pytest.mark.parametrize(
    ("file", "fields", "message"),
    [
        (
            "config_sentence_transformers.json",
            {"prompts": {"query": "query: "}},
            "prefix 'query: ' as one token",
        ),
        (
            "3_MultiVectorMask/config.json",
            {"skiplist_tasks": ["query"]},
            "skiplist_tasks: expected document only",
        ),
        ("3_MultiVectorMask/config.json", {"keep_only_token_ids": [3]}, "keep_only_token_ids: expected none"),
        (
            "4_Normalize/config.json",
            {"module_input_name": "sentence_embedding"},
            "expected 'token_embeddings'",
        ),
        ("1_Dense/config.json", {"module_input_name": "sentence_embedding"}, "expected 'token_embeddings'"),
        ("sentence_bert_config.json", {"transformer_task": "retrieval"}, "expected feature-extraction"),
        (
            "sentence_bert_config.json",
            {"query_expansion": {"strategy": "min", "length": 16}},
            "strategy: expected fixed",
        ),
    ],
)
def test_multi_vector_checkpoint_with_what_we_lack_is_refused(
    file: str, fields: dict[str, Any], message: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(MULTI_VECTOR, tmp_path / "checkpoint")
    edit(folder / file, **fields)
    with pytest.raises(ModelError, match=message):
        planner(read(folder), tmp_path)


def test_multi_vector_checkpoint_without_expansion_has_none(tmp_path: Path) -> None:
    folder = shutil.copytree(MULTI_VECTOR, tmp_path / "checkpoint")
    edit(folder / "sentence_bert_config.json", query_expansion=None, query_length=20)
    semantics = read(folder).semantics
    assert (semantics.expand, semantics.query_length) == (False, 20)


def test_dense_chain_is_read_with_bias_activation_and_residual(tmp_path: Path) -> None:
    first, second, third = read(make_distilbert(tmp_path / "checkpoint", head=CHAIN)).dense
    assert first.weight.shape == (48, 32)
    assert first.residual_weight is not None
    assert first.residual_weight.shape == (48, 32)
    assert first.bias is not None
    assert first.activation == "torch.nn.modules.activation.GELU"
    assert second.residual
    assert second.residual_weight is None
    assert (third.bias, third.residual) == (None, False)


def test_dense_of_sentence_transformers_is_read_like_pylates(bert_copy: Path) -> None:
    expected = read(bert_copy).dense[0].weight
    modules = json.loads((bert_copy / "modules.json").read_text())
    modules[1]["type"] = "sentence_transformers.models.Dense"
    modules.append({"idx": 2, "name": "2", "path": "", "type": "sentence_transformers.models.Normalize"})
    (bert_copy / "modules.json").write_text(json.dumps(modules))
    edit(bert_copy / "1_Dense/config.json", use_residual=None)
    np.testing.assert_array_equal(read(bert_copy).dense[0].weight, expected)


def test_query_expansion_is_left_open_where_the_checkpoint_does_not_say(bert_copy: Path) -> None:
    edit(bert_copy / "config_sentence_transformers.json", do_query_expansion=None)
    assert read(bert_copy).semantics.expand is None
    assert read(bert_copy, expand=False).semantics.expand is False


def test_stanford_head_and_transformer_are_found_in_one_file(tmp_path: Path) -> None:
    folder = make_stanford(tmp_path / "checkpoint", dimensions=16)
    checkpoint = read(folder)
    weights = load_file(folder / "model.safetensors")
    np.testing.assert_array_equal(checkpoint.dense[0].weight, weights["linear.weight"].numpy())
    loaded = encoder.load_encoder(checkpoint).backbone.embeddings.word_embeddings.weight
    assert torch.equal(loaded, weights["bert.embeddings.word_embeddings.weight"])


def test_stanford_checkpoint_is_told_beside_a_modules_json(tmp_path: Path) -> None:
    folder = make_stanford(tmp_path / "checkpoint")
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    assert read(folder).layout == "stanford"
    check_plans(folder, tmp_path)


def test_stanford_checkpoint_that_keeps_punctuation_has_no_skiplist(tmp_path: Path) -> None:
    assert read(make_stanford(tmp_path / "c", mask_punctuation=False)).semantics.skiplist_words == ()


def test_single_vector_model_is_refused_and_the_way_out_offered(tmp_path: Path) -> None:
    folder = make_single_vector(tmp_path / "model")
    with pytest.raises(ModelError, match=r"dense single-vector model.*Pooling.*--token-embeddings"):
        read(folder)


def test_single_vector_model_is_used_without_prefixes_and_expansion(tmp_path: Path) -> None:
    folder = make_single_vector(tmp_path / "model")
    edit(folder / "sentence_bert_config.json", max_seq_length=256)
    checkpoint = read(folder, token_embeddings=True)
    settings, plan = planner(checkpoint, tmp_path)
    assert (checkpoint.layout, checkpoint.dense) == ("single-vector", ())
    assert (settings.query.prefix, settings.query.length, settings.document.length) == (None, 64, 256)
    assert plan("query", "mars").ids == [101, 7733, 102]
    assert plan("document", "mars.").scored == [True, True, False, True]


def test_token_embeddings_are_refused_where_there_is_a_head_for_them(bert_checkpoint: Path) -> None:
    with pytest.raises(UsageError, match=r"got a late-interaction checkpoint \(pylate\)"):
        read(bert_checkpoint, token_embeddings=True)


def test_plain_transformer_is_a_single_vector_model(bert_copy: Path) -> None:
    for path in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (bert_copy / path).unlink()
    shutil.rmtree(bert_copy / "1_Dense")
    with pytest.raises(ModelError, match="a transformer without a head for tokens"):
        read(bert_copy)
    assert read(bert_copy, token_embeddings=True).semantics.expand is False

"""Reading checkpoints: token plans against PyLate, the layouts, and what is refused with which words."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import CHAIN, FAMILIES, make_bert, make_distilbert, make_single_vector, make_stanford
from pylate import models
from safetensors.torch import load_file, save_file

from latefind.errors import ModelError, TokenizerError
from latefind.model import MAX_LENGTH, read_spec
from latefind_export import encoder, plans
from latefind_export.checkpoint import Checkpoint
from latefind_export.encoders import longest_input
from latefind_export.hub import locate
from latefind_export.model_card import read_card
from latefind_export.plans import Kind, ReferencePlan
from latefind_export.read_checkpoint import Overrides, read_checkpoint
from latefind_export.settings import Settings, render_settings
from latefind_export.tokenizer_file import prepare_tokenizer, settle

MULTI_VECTOR = Path(__file__).parent / "golden/multi-vector"

TEXTS = (
    "Mars is the Red Planet.",
    "",
    "  white space around, and\ta tab\n",
    "a [MASK] and a [SEP] written out",
    "[Q] with its prefix, [D] with the other; [unused0] too",
    "[q] in lower case",
    "a question that is much longer than the query length allows " * 8,
    "naïve Straße Ğ 日本語 🔎 …",
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bert(tmp_path_factory.mktemp("checkpoints") / "bert")


@pytest.fixture
def damaged(bert: Path, tmp_path: Path) -> Path:
    """A copy of the checkpoint, for tests that change it."""
    return shutil.copytree(bert, tmp_path / "bert")


def read(folder: Path, **overrides: Any) -> Checkpoint:
    return read_checkpoint(locate(str(folder)), Overrides(**overrides))


def edit(path: Path, **fields: object) -> None:
    """Set fields of a JSON file; None removes one."""
    data = {**json.loads(path.read_text(encoding="utf-8")), **fields}
    path.write_text(json.dumps({key: value for key, value in data.items() if value is not None}))


def planner(
    checkpoint: Checkpoint, folder: Path, expand: bool | None = None
) -> tuple[Settings, Callable[[Kind, str], ReferencePlan]]:
    """Return a checkpoint's settings, and what makes token plans by them."""
    prepare_tokenizer(checkpoint, folder / "tokenizer.json")
    if expand is None:
        assert checkpoint.semantics.expand is not None
        expand = checkpoint.semantics.expand
    settings = settle(checkpoint, folder / "tokenizer.json", 128, expand)
    tokenizer = plans.load_tokenizer(folder / "tokenizer.json")
    return settings, lambda kind, text: plans.plan(tokenizer, settings, kind, text)


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
def test_plans_equal_pylates_with_overrides(overrides: dict[str, Any], bert: Path, tmp_path: Path) -> None:
    check_plans(bert, tmp_path, **overrides)


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


def test_dense_of_sentence_transformers_is_read_like_pylates(damaged: Path) -> None:
    expected = read(damaged).dense[0].weight
    modules = json.loads((damaged / "modules.json").read_text())
    modules[1]["type"] = "sentence_transformers.models.Dense"
    modules.append({"idx": 2, "name": "2", "path": "", "type": "sentence_transformers.models.Normalize"})
    (damaged / "modules.json").write_text(json.dumps(modules))
    edit(damaged / "1_Dense/config.json", use_residual=None)
    np.testing.assert_array_equal(read(damaged).dense[0].weight, expected)


def test_query_expansion_is_left_open_where_the_checkpoint_does_not_say(damaged: Path) -> None:
    edit(damaged / "config_sentence_transformers.json", do_query_expansion=None)
    assert read(damaged).semantics.expand is None
    assert read(damaged, expand=False).semantics.expand is False


def test_stanford_head_and_transformer_are_found_in_one_file(tmp_path: Path) -> None:
    folder = make_stanford(tmp_path / "checkpoint", dimensions=16)
    checkpoint = read(folder)
    weights = load_file(folder / "model.safetensors")
    np.testing.assert_array_equal(checkpoint.dense[0].weight, weights["linear.weight"].numpy())
    loaded = encoder.load_encoder(checkpoint).backbone.embeddings.word_embeddings.weight
    assert torch.equal(loaded, weights["bert.embeddings.word_embeddings.weight"])


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


def test_plain_transformer_is_a_single_vector_model(damaged: Path) -> None:
    for path in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (damaged / path).unlink()
    shutil.rmtree(damaged / "1_Dense")
    with pytest.raises(ModelError, match="a transformer without a head for tokens"):
        read(damaged)
    assert read(damaged, token_embeddings=True).semantics.expand is False


# ---------------------------------------------------------------------------------------- what is refused


def drop_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def pickle_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def truncate_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])


def point_to_lfs(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")


def lose_shard(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    (folder / "model.safetensors").unlink()
    save_file({names[0]: weights[names[0]]}, folder / "model-00001-of-00002.safetensors", {"format": "pt"})
    mapping = {name: f"model-0000{1 + (name != names[0])}-of-00002.safetensors" for name in names}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": mapping}))


def break_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bert",')


def widen_dense(folder: Path) -> None:
    edit(folder / "1_Dense/config.json", in_features=48)


def narrow_dense(folder: Path) -> None:
    edit(folder / "1_Dense/config.json", in_features=16)
    save_file({"linear.weight": torch.ones(128, 16)}, folder / "1_Dense/model.safetensors", {"format": "pt"})


def drop_dense(folder: Path) -> None:
    (folder / "1_Dense/model.safetensors").unlink()


def want_bias(folder: Path) -> None:
    edit(folder / "1_Dense/config.json", bias=True)


def own_activation(folder: Path) -> None:
    edit(folder / "1_Dense/config.json", activation_function="os.system")


def add_module(kind: str, path: str = "") -> Callable[[Path], None]:
    def add(folder: Path) -> None:
        modules = json.loads((folder / "modules.json").read_text())
        modules.append({"idx": 9, "name": "9", "path": path, "type": kind})
        (folder / "modules.json").write_text(json.dumps(modules))

    return add


def change(file: str, **fields: object) -> Callable[[Path], None]:
    return lambda folder: edit(folder / file, **fields)


SETTINGS = "config_sentence_transformers.json"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_weights, "expected model.safetensors, got no weights"),
        (pickle_weights, "got pytorch_model.bin. Only safetensors are read"),
        (truncate_weights, "expected whole safetensors, got a damaged or truncated file"),
        (point_to_lfs, "a Git LFS pointer"),
        (lose_shard, r"model-00002-of-00002\.safetensors: expected a shard"),
        (break_config, r"config\.json: expected JSON"),
        (widen_dense, r"linear\.weight of shape \(128, 48\), got \(128, 32\)"),
        (narrow_dense, "takes 32 numbers, as wide as what precedes it, got one that takes 16"),
        (drop_dense, "expected the weights of a Dense layer, got nothing"),
        (want_bias, r"expected linear\.bias of shape \(128,\), got nothing"),
        (own_activation, r"activation_function: expected a class below torch\.nn, got 'os\.system'"),
        (add_module("sentence_transformers.models.LSTM"), r"modules among Dense.*models\.LSTM"),
        (add_module("sentence_transformers.models.Router"), r"an asymmetric model \(Router\)"),
        (add_module("sentence_transformers.sparse_encoder.models.SpladePooling"), "a sparse encoder"),
        (add_module("modeling_own.Dense"), r"custom code \(modeling_own\.Dense\)"),
        (add_module("pylate.models.Dense.Dense", "../elsewhere"), "a folder inside the checkpoint"),
        (change("config.json", model_type="gpt2"), "an encoder among bert, .*'gpt2'"),
        (change("config.json", is_decoder=True), r"a decoder \(bert\)"),
        (change("config.json", auto_map={"AutoModel": "own.Model"}), r"custom code.*--trust-remote-code"),
        (change(SETTINGS, model_type="SparseEncoder"), "got a sparse encoder"),
        (change(SETTINGS, query_length="long"), "query_length: expected an integer from 1, got 'long'"),
        (change(SETTINGS, skiplist_words="."), "skiplist_words: expected a list of strings"),
        (
            change(SETTINGS, default_prompt_name="q", prompts={"q": "search: "}),
            "texts cannot be prefixed with 'search: '",
        ),
    ],
)  # fmt: skip
def test_damaged_checkpoint_is_refused(damage: Callable[[Path], None], message: str, damaged: Path) -> None:
    damage(damaged)
    with pytest.raises(ModelError, match=message):
        read(damaged)


def test_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(ModelError, match=r"with config\.json, got one without it"):
        read(tmp_path)


def test_folder_around_checkpoints_names_them(bert: Path) -> None:
    with pytest.raises(ModelError, match="though bert below it has one"):
        read(bert.parent)


def test_trusted_code_must_lie_beside_the_checkpoint(damaged: Path) -> None:
    edit(damaged / "config.json", auto_map={"AutoModel": "someone/else--own.Model"})
    with pytest.raises(ModelError, match="code that lies beside the checkpoint"):
        read_checkpoint(locate(str(damaged)), Overrides(), trust_remote_code=True)
    edit(damaged / "config.json", auto_map={"AutoModel": "own.Model"})
    assert read_checkpoint(locate(str(damaged)), Overrides(), trust_remote_code=True).trust_remote_code


def test_modernbert_of_transformers_5_with_another_theta_is_refused(damaged: Path) -> None:
    rope = {"full_attention": {"rope_theta": 20000.0, "rope_type": "default"}}
    edit(damaged / "config.json", model_type="modernbert", rope_parameters=rope)
    with pytest.raises(ModelError, match="the key global_rope_theta with the same number"):
        read(damaged)


# --------------------------------------------------------------------------- tokenizer and its settings


def test_prefix_that_is_no_token_is_refused(bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"the prefix '\[X\] ' as one token.*--query-prefix"):
        planner(read(bert, query_prefix="[X] "), tmp_path)


def test_tokenizer_with_more_tokens_than_embeddings_is_refused(damaged: Path, tmp_path: Path) -> None:
    edit(damaged / "config.json", vocab_size=30523)
    with pytest.raises(ModelError, match="each of the tokenizer's 30,524 tokens, got 30,523"):
        planner(read(damaged), tmp_path)


def test_lengths_are_cut_to_the_models_positions_and_it_is_said(bert: Path, tmp_path: Path) -> None:
    settings, _ = planner(read(bert, document_length=2048), tmp_path)
    assert settings.document.length == 512
    assert settings.notes == (
        "documents are cut at 512 tokens, not at 2,048: the transformer has no more positions",
    )


@pytest.mark.parametrize(
    ("config", "longest"),
    [
        ({"model_type": "bert", "max_position_embeddings": 512}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "mpnet", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "modernbert", "max_position_embeddings": 8192, "pad_token_id": 50283}, MAX_LENGTH),
        ({"model_type": "own"}, None),
    ],
)
def test_longest_input_leaves_out_positions_of_padding(config: dict[str, Any], longest: int | None) -> None:
    assert longest_input(config) == longest


def test_length_without_room_for_a_word_is_refused(bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="lengths from 4 tokens, special ones included, got 3"):
        planner(read(bert, query_length=3), tmp_path)


def test_tokenizer_that_we_lack_is_refused_by_name(damaged: Path, tmp_path: Path) -> None:
    path = damaged / "tokenizer.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["pre_tokenizer"] = {"type": "UnicodeScripts"}
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(TokenizerError, match="UnicodeScripts"):
        prepare_tokenizer(read(damaged), tmp_path / "tokenizer.json")
    assert not (tmp_path / "tokenizer.json").exists()


def test_vocabulary_without_tokenizer_json_is_converted(damaged: Path, tmp_path: Path) -> None:
    _, expected = planner(read(damaged), tmp_path)
    vocabulary = json.loads((damaged / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    (damaged / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)), encoding="utf-8")
    (damaged / "tokenizer.json").unlink()
    _, plan = planner(read(damaged), tmp_path)
    for text in TEXTS:
        assert plan("query", text) == expected("query", text)


def test_checkpoint_without_a_tokenizer_is_refused(damaged: Path, tmp_path: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        (damaged / name).unlink(missing_ok=True)
    with pytest.raises(TokenizerError, match=r"expected tokenizer\.json, or a vocabulary"):
        prepare_tokenizer(read(damaged), tmp_path / "tokenizer.json")


def test_tokenizer_class_of_transformers_5_is_read(damaged: Path, tmp_path: Path) -> None:
    edit(damaged / "tokenizer_config.json", tokenizer_class="TokenizersBackend")
    _, plan = planner(read(damaged), tmp_path)
    assert plan("query", "mars").ids[:4] == [101, 30522, 7733, 102]


def test_tokenizer_that_cuts_on_the_left_is_refused(damaged: Path, tmp_path: Path) -> None:
    edit(damaged / "tokenizer_config.json", truncation_side="left")
    with pytest.raises(TokenizerError, match="truncation_side: expected right, got left"):
        prepare_tokenizer(read(damaged), tmp_path / "tokenizer.json")


def test_settings_say_where_the_model_comes_from(bert: Path, tmp_path: Path) -> None:
    settings, _ = planner(read(bert, name="Little", license="MIT", languages=("en",)), tmp_path)
    audit = {"on": 0.5, "off": 0.4}
    written = render_settings(
        settings, {"type": "none"}, {}, parameters=123, expansion_audit={"chosen": True, **audit}
    )
    data = json.loads(written)
    assert data["checkpoint"] == {"source": "bert", "layout": "pylate", "parameters": 123, "notes": []}
    assert data["expansion_audit"] == {"chosen": True, **audit}
    assert (read_spec(written).name, read_spec(written).license) == ("Little", "MIT")


# ------------------------------------------------------------------------------------------- model card


@pytest.mark.parametrize(
    ("matter", "license_name", "languages"),
    [
        ("license: apache-2.0\nlanguage: en", "Apache-2.0", ("en",)),
        ("license: cc-by-nc-4.0\nlanguage: [de, no, pt-BR, x, de]", "CC-BY-NC-4.0", ("de", "no", "pt-BR")),
        ("license: other\nlicense_name: some-terms", "some-terms", ()),
        ("license: [mit]", "MIT", ()),
        ("license: {a: 1}\nlanguage: 3", "unknown", ()),
        ("license: !!python/object/apply:os.system [ls]", "unknown", ()),
        ("license: mit\nlanguage: [", "unknown", ()),
        ("[" * 5000, "unknown", ()),
        ("license: 2024-13-45", "unknown", ()),
        ('license: "a\\nb\\u202e"', "a b", ()),
        ("- a list", "unknown", ()),
    ],
)  # fmt: skip
def test_model_card_is_read_without_trusting_it(
    matter: str, license_name: str, languages: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text(f"---\n{matter}\n---\n# Title\n", encoding="utf-8")
    card = read_card(tmp_path, "model")
    assert (card.name, card.license, card.languages) == ("model", license_name, languages)


@pytest.mark.parametrize(
    "content", [b"# No front matter", b"---\nlicense: mit\nno end", b"---\n\xff\xfe: \x00\n---\n"]
)
def test_model_card_that_says_nothing_is_unknown(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(content)
    assert read_card(tmp_path, "model").license == "unknown"
    assert read_card(tmp_path / "nowhere", "model").license == "unknown"

"""Checkpoints that cannot be read, or that no bundle could reproduce: each is refused, and told why."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from checkpoint_reading import edit, read
from safetensors.torch import load_file, save_file

from latefind.errors import ModelError
from latefind_export.hub import locate
from latefind_export.read_checkpoint import Overrides, read_checkpoint


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
def test_damaged_checkpoint_is_refused(damage: Callable[[Path], None], message: str, bert_copy: Path) -> None:
    damage(bert_copy)
    with pytest.raises(ModelError, match=message):
        read(bert_copy)


def test_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(ModelError, match=r"with config\.json, got one without it"):
        read(tmp_path)


def test_folder_around_checkpoints_names_them(bert_checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="though bert below it has one"):
        read(bert_checkpoint.parent)


def test_trusted_code_must_lie_beside_the_checkpoint(bert_copy: Path) -> None:
    edit(bert_copy / "config.json", auto_map={"AutoModel": "someone/else--own.Model"})
    with pytest.raises(ModelError, match="code that lies beside the checkpoint"):
        read_checkpoint(locate(str(bert_copy)), Overrides(), trust_remote_code=True)
    edit(bert_copy / "config.json", auto_map={"AutoModel": "own.Model"})
    assert read_checkpoint(locate(str(bert_copy)), Overrides(), trust_remote_code=True).trust_remote_code


def test_modernbert_of_transformers_5_with_another_theta_is_refused(bert_copy: Path) -> None:
    rope = {"full_attention": {"rope_theta": 20000.0, "rope_type": "default"}}
    edit(bert_copy / "config.json", model_type="modernbert", rope_parameters=rope)
    with pytest.raises(ModelError, match="the key global_rope_theta with the same number"):
        read(bert_copy)

"""From a checkpoint to a graph: every family, the Dense chain, and what cannot be loaded or exported."""

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_encoders import (
    CONFIGS,
    HIDDEN,
    WINDOW,
    checkpoint_of,
    random_batch,
    random_weight,
    save_transformer,
)

from latefind.errors import ModelError
from latefind_export import onnx_graph
from latefind_export.checkpoint import DenseLayer
from latefind_export.dense import build_head, load_activation, try_activation
from latefind_export.encoder import LateInteractionEncoder, dimensions_of, load_encoder
from latefind_export.graph_file import drop_identities
from latefind_export.settings import INPUTS, OUTPUT

LENGTHS = ((1, 1), (1, 2), (3, 7), (2, 40), (5, 64))
"""Texts and tokens of the batches that are compared; a trace that kept its example's shape fails."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def embed(encoder: LateInteractionEncoder, ids: object, mask: object) -> npt.NDArray[np.float32]:
    with torch.inference_mode():
        return encoder(torch.tensor(ids), torch.tensor(mask))[OUTPUT].numpy()


def run(session: onnxruntime.InferenceSession, ids: object, mask: object) -> npt.NDArray[np.float32]:
    return session.run([OUTPUT], dict(zip(INPUTS, (ids, mask), strict=True)))[0]


@pytest.mark.parametrize("family", CONFIGS)
def test_graph_computes_what_torch_computes(family: str, tmp_path: Path) -> None:
    folder = save_transformer(tmp_path, family)
    encoder = load_encoder(checkpoint_of(folder, DenseLayer(random_weight(16, HIDDEN))))
    onnx_graph.export_onnx(encoder, tmp_path / "fp32.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "fp32.onnx")
    assert [item.name for item in session.get_inputs()] == list(INPUTS)
    for texts, length in LENGTHS:
        ids, mask = random_batch(texts, length)
        expected, got = embed(encoder, ids, mask), run(session, ids, mask)
        assert got.shape == (texts, length, 16)
        assert np.abs(got - expected).max() < 1e-4
        assert np.einsum("bld,bld->bl", got, expected).min() > 0.9999


def test_modernbert_graph_keeps_the_sliding_window(tmp_path: Path) -> None:
    encoder = load_encoder(checkpoint_of(save_transformer(tmp_path, "modernbert")))
    for layer in encoder.backbone.layers:
        if layer.attn.local_attention == (-1, -1):
            layer.attn.Wo.weight.data.zero_()  # what is left sees 8 tokens to either side, twice
    onnx_graph.export_onnx(encoder, tmp_path / "fp32.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "fp32.onnx")
    ids, mask = random_batch(1, 3 * WINDOW)
    changed = ids.copy()
    changed[0, 0] += 1
    moved = np.abs(run(session, ids, mask) - run(session, changed, mask)).max(axis=2)[0]
    assert moved[WINDOW] > 1e-6
    assert moved[WINDOW + 1 :].max() < 1e-6


def test_export_says_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    encoder = load_encoder(checkpoint_of(save_transformer(tmp_path, "bert")))
    capfd.readouterr()
    with caplog.at_level(logging.WARNING):
        onnx_graph.export_onnx(encoder, tmp_path / "fp32.onnx")
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_encoder_without_dense_layers_normalises_hidden_states(tmp_path: Path) -> None:
    encoder = load_encoder(checkpoint_of(save_transformer(tmp_path, "bert")))
    assert dimensions_of(encoder) == HIDDEN
    assert np.allclose(np.linalg.norm(embed(encoder, *random_batch(2, 9)), axis=2), 1, atol=1e-6)


def test_dense_chain_is_pylates() -> None:
    from pylate.models import Dense as PylateDense

    layers = [
        DenseLayer(
            random_weight(24, HIDDEN, 1),
            random_weight(1, 24, 2)[0],
            "torch.nn.modules.activation.GELU",
            residual=True,
            residual_weight=random_weight(24, HIDDEN, 3),
        ),
        DenseLayer(random_weight(24, 24, 4), None, "torch.nn.modules.activation.Tanh", residual=True),
        DenseLayer(random_weight(16, 24, 5)),
    ]
    oracle = [
        PylateDense(HIDDEN, 24, bias=True, activation_function=torch.nn.GELU(), use_residual=True),
        PylateDense(24, 24, bias=False, activation_function=torch.nn.Tanh(), use_residual=True),
        PylateDense(24, 16, bias=False),
    ]
    for layer, module in zip(layers, oracle, strict=True):
        module.linear.weight.data = torch.from_numpy(layer.weight)
        if layer.bias is not None:
            module.linear.bias.data = torch.from_numpy(layer.bias)
        if layer.residual_weight is not None:
            module.residual.weight.data = torch.from_numpy(layer.residual_weight)
    vectors = torch.from_numpy(random_weight(7, HIDDEN, 6))[None]
    features = {"token_embeddings": vectors}
    for module in oracle:
        features = module(features)
    assert torch.allclose(build_head(layers, HIDDEN)(vectors), features["token_embeddings"], atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [DenseLayer(random_weight(16, 33))],
            r"Dense layer 1: expected a weight of shape \(16, 32\), got \(16, 33\)",
        ),
        ([DenseLayer(random_weight(16, 32)), DenseLayer(random_weight(8, 15))], "Dense layer 2"),
        ([DenseLayer(random_weight(16, 32), random_weight(1, 15)[0])], r"bias of shape \(16,\), got \(15,\)"),
        (
            [DenseLayer(random_weight(16, 32), residual=True)],
            r"residual weight of shape \(16, 32\), got none",
        ),
    ],
)
def test_dense_layer_that_does_not_fit_is_refused(layers: list[DenseLayer], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build_head(layers, HIDDEN)


@pytest.mark.parametrize(
    "name", ["linear.Identity", "activation.GELU", "activation.Softplus", "activation.Mish"]
)
def test_activation_of_torch_is_made(name: str) -> None:
    assert type(load_activation(f"torch.nn.modules.{name}")).__name__ == name.split(".")[1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("os.system", "no module class below torch.nn"),
        ("torch.load", "no module class below torch.nn"),
        ("torch.nn.functional.relu", "no module class below torch.nn"),
        ("torch.nn.modules.activation.Nope", "no module class below torch.nn"),
        ("torch.nn.modules.activation.Threshold", "cannot be made without arguments"),
        ("torch.nn.modules.activation.PReLU", "weights of its own"),
        ("torch.nn.modules.activation.GLU", "does not keep the width"),
        ("torch.nn.modules.activation.Softmax", "mixes the tokens"),
    ],
)
def test_activation_that_cannot_be_used_is_refused_by_name(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=f"activation {name}: .*{message}"):
        load_activation(name)


def test_activation_without_an_operator_is_refused() -> None:
    class Bessel(torch.nn.Module):
        def forward(self, vectors: torch.Tensor) -> torch.Tensor:
            return torch.special.bessel_j0(vectors)

    assert "without an ONNX operator" in (try_activation(Bessel()) or "")


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    weights = load_file(save_transformer(tmp_path, "bert") / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "layer.1.attention" not in name}
    save_file(kept, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"all weights of BertModel.*without 10 of them \(encoder\.layer\.1"):
        load_encoder(checkpoint_of(tmp_path))


def test_missing_pooler_is_not_missed(tmp_path: Path) -> None:
    weights = load_file(save_transformer(tmp_path, "bert") / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("pooler.")}
    assert len(kept) < len(weights)
    save_file(kept, tmp_path / "model.safetensors", {"format": "pt"})
    encoder = load_encoder(checkpoint_of(tmp_path))
    assert encoder.backbone.pooler is None


@pytest.mark.parametrize("damage", ["no weights", "pickled weights", "truncated weights", "unknown type"])
def test_transformer_that_cannot_be_loaded_is_refused(damage: str, tmp_path: Path) -> None:
    weights = save_transformer(tmp_path, "bert") / "model.safetensors"
    if damage == "truncated weights":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "unknown type":
        (tmp_path / "config.json").write_text('{"model_type": "unheard-of"}')
    else:
        if damage == "pickled weights":
            torch.save(load_file(weights), tmp_path / "pytorch_model.bin")
        weights.unlink()
    with pytest.raises(ModelError, match=r"expected a transformer in config\.json and safetensors"):
        load_encoder(checkpoint_of(tmp_path))


def test_encoder_with_a_decoder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "t5", "is_encoder_decoder": true}')
    with pytest.raises(ModelError, match=r"only encodes, got an encoder with a decoder \(t5\)"):
        load_encoder(checkpoint_of(tmp_path))


def test_model_that_needs_a_second_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load_encoder(checkpoint_of(save_transformer(tmp_path, "bert")))
    monkeypatch.setattr(onnx_graph, "LARGEST_GRAPH", 1000)
    with pytest.raises(ModelError, match="choose a smaller checkpoint"):
        onnx_graph.export_onnx(encoder, tmp_path / "fp32.onnx")
    assert not (tmp_path / "fp32.onnx").exists()


def test_operation_that_onnx_lacks_is_named(tmp_path: Path) -> None:
    class Bessel(torch.nn.Module):
        def forward(self, vectors: torch.Tensor) -> torch.Tensor:
            return torch.special.bessel_j0(vectors)

    encoder = load_encoder(checkpoint_of(save_transformer(tmp_path, "bert")))
    encoder.head = Bessel()
    with pytest.raises(
        ModelError, match=r"BertModel: expected a transformer whose every operation ONNX has, got .*bessel"
    ):
        onnx_graph.export_onnx(encoder, tmp_path / "fp32.onnx")


def test_layers_that_share_weights_read_one_initializer(tmp_path: Path) -> None:
    encoder = load_encoder(checkpoint_of(save_transformer(tmp_path, "albert")))
    onnx_graph.export_onnx(encoder, tmp_path / "fp32.onnx")
    graph = onnx.load(tmp_path / "fp32.onnx").graph
    first, second = [node for node in graph.node if node.name.endswith(("query/MatMul", "query_1/MatMul"))]
    assert first.input[1] == second.input[1]
    assert first.input[1] in {tensor.name for tensor in graph.initializer}


def test_drop_identities_follows_chains_and_keeps_results() -> None:
    make = onnx.helper.make_node
    value = onnx.helper.make_tensor_value_info
    nodes = [
        make("Identity", ["x"], ["a"]),
        make("Identity", ["a"], ["b"]),
        make("Add", ["a", "b"], ["c"]),
        make("Identity", ["c"], ["y"]),
    ]
    graph = onnx.helper.make_graph(nodes, "g", [value("x", 1, [1])], [value("y", 1, [1])])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)
    drop_identities(model)
    assert [(node.op_type, list(node.input)) for node in model.graph.node] == [
        ("Add", ["x", "x"]),
        ("Identity", ["c"]),
    ]

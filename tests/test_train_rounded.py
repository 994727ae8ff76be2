"""Training with weights on the exporter's grids."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel

from latefind.errors import InputError, UsageError
from latefind_export.grid import GRIDS, column_steps, find_steps, table_step, to_grid
from latefind_train.parts import average, load_part, save_part
from latefind_train.rounded import round_weights


def tiny_encoder() -> BertModel:
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=200,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=40,
    )
    return BertModel(config, add_pooling_layer=False)


def test_rounded_weights_are_those_that_the_exporter_would_store() -> None:
    encoder = tiny_encoder()
    layer = encoder.encoder.layer[0].intermediate.dense
    before = layer.weight.detach().numpy().T.copy()
    words = encoder.embeddings.word_embeddings
    table = words.weight.detach().numpy().copy()
    round_weights(encoder, "int3")
    steps = column_steps(before, GRIDS["int3"].products)
    assert np.allclose(layer.weight.detach().numpy().T, to_grid(before, steps) * steps, atol=1e-7)
    step = table_step(table, GRIDS["int3"].words)
    assert np.allclose(words.weight.detach().numpy(), to_grid(table, step) * step, atol=1e-7)


def test_gradients_pass_the_rounding_and_move_what_is_rounded() -> None:
    encoder = tiny_encoder()
    round_weights(encoder, "int3")
    layer = encoder.encoder.layer[0].output.dense
    parameters = dict(layer.named_parameters())
    layer(torch.ones(1, 64)).sum().backward()
    gradient = parameters["parametrizations.weight.original"].grad
    assert gradient is not None
    assert torch.equal(gradient, torch.ones_like(gradient))


def test_what_is_kept_lies_on_a_grid_that_the_exporter_finds_in_half_precision(tmp_path: Path) -> None:
    encoder = tiny_encoder()
    keep = round_weights(encoder, "int3")
    optimizer = torch.optim.SGD(encoder.parameters(), lr=0.5)
    encoder(torch.arange(20)[None]).last_hidden_state.square().sum().backward()
    optimizer.step()
    keep()
    save_part(tmp_path, "run", 1, {name: value.numpy() for name, value in encoder.state_dict().items()})
    _, weights = load_part(tmp_path)
    assert set(weights) == set(tiny_encoder().state_dict())
    products = [name for name, module in encoder.named_modules() if isinstance(module, nn.Linear)]
    assert products
    for name in products:
        weight = weights[f"{name}.weight"].T
        steps = find_steps(weight)
        assert steps is not None, name
        assert np.allclose(to_grid(weight, steps) * steps, weight, rtol=2e-3)
    assert find_steps(weights["embeddings.word_embeddings.weight"].reshape(-1, 1)) is not None


def test_a_scheme_without_a_grid_is_refused() -> None:
    with pytest.raises(UsageError, match=r"steps\.rounded: expected int3 or int4, got 'int8'"):
        round_weights(tiny_encoder(), "int8")


def test_the_mean_of_parts_is_a_part(tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        save_part(tmp_path / name, "stage", 10 + number, {"w": np.full((2, 3), number, np.float32)})
    average([tmp_path / "a", tmp_path / "b"], tmp_path / "mean")
    part, weights = load_part(tmp_path / "mean")
    assert (part.run, part.step) == ("stage", 10)
    assert np.array_equal(weights["w"], np.full((2, 3), 0.5, np.float32))


def test_parts_of_different_starts_have_no_mean(tmp_path: Path) -> None:
    save_part(tmp_path / "a", "stage", 1, {"w": np.zeros((2, 3), np.float32)})
    save_part(tmp_path / "b", "stage", 1, {"w": np.zeros((2, 4), np.float32)})
    with pytest.raises(InputError, match="Average parts of one start"):
        average([tmp_path / "a", tmp_path / "b"], tmp_path / "mean")
    assert not (tmp_path / "mean").exists()

"""What training minimises, against plain loops; checkpoints and starts of variants."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor

from latefind.errors import InputError, IntegrityError, UsageError
from latefind_train import losses, parts
from latefind_train.parts import BESIDE, load_part, save_part
from latefind_train.shipped import ResidualCodec, pool_pairs
from latefind_train.thin import keep_layers, shrink_hidden, shrink_inner
from latefind_train.vocabulary import PREFIXES, change_table, change_tokenizer, change_vocabulary, cut

WEIGHTS, WORDS = "model.safetensors", "embeddings.word_embeddings.weight"


def unit(*shape: int, seed: int = 0) -> Tensor:
    vectors = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(vectors, dim=-1)


def test_maxsim_is_the_mean_of_the_best_similarities() -> None:
    queries, documents = unit(2, 3, 8), unit(4, 5, 8, seed=1)
    query_mask = torch.tensor([[1, 1, 1], [1, 0, 1]]).bool()
    document_mask = torch.ones(4, 5).bool()
    document_mask[2, 3:] = False
    found = losses.maxsim(queries, documents, query_mask, document_mask)
    for i in range(2):
        for j in range(4):
            rows = queries[i][query_mask[i]] @ documents[j][document_mask[j]].T
            assert found[i, j].item() == pytest.approx(rows.amax(1).mean().item(), abs=1e-5)


def test_a_document_that_may_be_right_is_no_wrong_one() -> None:
    teacher = torch.tensor([[0.9, 0.88, 0.2], [0.1, 0.8, 0.3], [0.3, 0.2, 0.7]])
    texts = torch.tensor([1, 2, 1])
    forgiven = losses.forgive(teacher, texts, texts, 0.95)
    assert forgiven.tolist() == [[False, True, True], [False, False, False], [True, False, False]]
    scores = torch.tensor([[0.5, 0.9, 0.9], [0.0, 0.9, 0.0], [0.9, 0.0, 0.5]])
    assert losses.contrast(scores, 0.02, forgiven).item() < 1e-6
    assert losses.contrast(scores, 0.02).item() > 1


def test_order_is_zero_where_the_student_ranks_as_the_teacher() -> None:
    scores = torch.rand(3, 4, generator=torch.Generator().manual_seed(2))
    assert losses.order(scores, scores, 0.05, 0.05).item() == pytest.approx(0, abs=1e-6)
    assert losses.order(scores, scores.flip(1), 0.05, 0.05).item() > 0


def test_matrix_compares_tokens_that_correspond_only() -> None:
    student, teacher = (unit(2, 3, 4), unit(2, 5, 4, seed=1)), (unit(2, 3, 6), unit(2, 5, 6, seed=1))
    masks = torch.ones(2, 3).bool(), torch.ones(2, 5).bool()
    masks[0][0, 2] = masks[1][1, 0] = False
    expected = []
    for row in range(2):
        mine, theirs = student[0][row] @ student[1][row].T, teacher[0][row] @ teacher[1][row].T
        expected += ((mine - theirs) ** 2)[masks[0][row]][:, masks[1][row]].flatten().tolist()
    assert losses.matrix(student, teacher, masks).item() == pytest.approx(np.mean(expected), rel=1e-5)


def test_spans_are_means_of_the_tokens_in_them() -> None:
    embeddings = unit(1, 4, 6)
    found = losses.gather_spans(embeddings, torch.tensor([[0, 1, 2]]), torch.tensor([[1, 3, 2]]))
    mean = torch.nn.functional.normalize(embeddings[0, 1] + embeddings[0, 2], dim=-1)
    torch.testing.assert_close(found[0, 0], embeddings[0, 0])
    torch.testing.assert_close(found[0, 1], mean)
    assert found[0, 2].abs().sum().item() == 0


def test_pooling_halves_long_texts_and_leaves_short_ones() -> None:
    vectors, mask = unit(2, 41, 8), torch.ones(2, 41).bool()
    mask[1, 10:] = False
    pooled, kept = pool_pairs(vectors, mask)
    assert kept.sum(1).tolist() == [21, 10]
    torch.testing.assert_close(pooled[1, :10], vectors[1, :10])
    torch.testing.assert_close(pooled[0, 0], vectors[0, 0])
    assert pooled[0][kept[0]].norm(dim=-1).min() > 0.99


def test_every_token_joins_the_seed_that_is_most_like_it() -> None:
    vectors = unit(1, 33, 8)
    vectors[0, 4] = vectors[0, 7]
    pooled, kept = pool_pairs(vectors, torch.ones(1, 33).bool())
    assert kept[0].tolist() == [place == 0 or place % 2 == 1 for place in range(33)]
    lonely = [p for p in range(1, 33, 2) if torch.allclose(pooled[0, p], vectors[0, p], atol=1e-5)]
    assert (pooled[0, 7] @ vectors[0, 7]).item() > 0.5
    assert len(lonely) < 16


def test_the_codec_passes_gradients_and_stays_near() -> None:
    torch.manual_seed(0)
    codec = ResidualCodec(16, subspaces=8, centroids=16).train()
    vectors = unit(8, 40, 16).requires_grad_()
    read = codec(vectors, torch.ones(8, 40).bool())
    assert (read * vectors).sum(-1).mean().item() > 0.95
    torch.testing.assert_close(read.norm(dim=-1), torch.ones(8, 40))
    read.sum().backward()
    assert vectors.grad is not None
    assert vectors.grad.abs().sum() > 0


# Parts


def test_a_part_comes_back_from_its_pieces(tmp_path: Path) -> None:
    weights = {"0.w": np.arange(1000, dtype=np.float32).reshape(10, 100), "1.b": np.ones(3, np.float32)}
    part = save_part(tmp_path, "run", 7, weights, piece=500)
    assert part.pieces > 2
    assert max(path.stat().st_size for path in tmp_path.glob("*.bin")) <= 500
    loaded, found = load_part(tmp_path)
    assert loaded == part
    np.testing.assert_array_equal(found["0.w"], weights["0.w"])


def test_a_damaged_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a part, with part.json"):
        load_part(tmp_path)
    save_part(tmp_path, "run", 7, {"w": np.ones(500, np.float32)}, piece=500)
    (tmp_path / "weights-1.bin").unlink()
    with pytest.raises(IntegrityError, match="Copy all of the part's files again"):
        load_part(tmp_path)


def test_a_checkpoint_comes_back_from_being_packed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    weights, config = bert()
    for name in BESIDE:
        (tmp_path / "a" / name).write_text(json.dumps(config.to_dict()), "utf-8")
    save_file(
        {name: np.ascontiguousarray(array) for name, array in weights.items()}, tmp_path / "a" / WEIGHTS
    )
    assert parts.main(["pack", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert parts.main(["unpack", str(tmp_path / "b"), str(tmp_path / "c")]) == 0
    found = load_file(tmp_path / "c" / WEIGHTS)
    assert set(found) == set(weights)
    np.testing.assert_allclose(found[WORDS], weights[WORDS], atol=1e-3)


# Starts


def bert(layers: int = 3, hidden: int = 16, inner: int = 24, heads: int = 4) -> tuple[dict[str, Any], Any]:
    from transformers import BertConfig, BertModel

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=20,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=12,
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}, config


def run_bert(weights: dict[str, Any], settings: dict[str, Any]) -> Tensor:
    from transformers import BertConfig, BertModel

    model = BertModel(BertConfig(**settings), add_pooling_layer=False).eval()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    with torch.inference_mode():
        hidden: Tensor = model(torch.arange(6)[None]).last_hidden_state
    return hidden


def test_keeping_all_changes_nothing() -> None:
    weights, config = bert()
    settings = config.to_dict()
    before = run_bert(weights, settings)
    changed = keep_layers(weights, settings, [0, 1, 2])
    changed = shrink_hidden(shrink_inner(changed, settings, 24), settings, 16)
    torch.testing.assert_close(run_bert(changed, settings), before)


def test_a_thinner_model_runs() -> None:
    weights, config = bert()
    settings = config.to_dict()
    changed = keep_layers(weights, settings, [0, 2])
    changed = shrink_hidden(shrink_inner(changed, settings, 10), settings, 8)
    assert run_bert(changed, settings).shape == (1, 6, 8)
    assert (settings["num_hidden_layers"], settings["num_attention_heads"]) == (2, 2)


def test_a_layer_that_is_not_there_is_refused() -> None:
    weights, config = bert()
    with pytest.raises(UsageError, match="layers: expected numbers below 3"):
        keep_layers(weights, config.to_dict(), [0, 3])


PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##a", "##b", "ab", "##ab", "rare")
OLD = {piece: number for number, piece in enumerate(PIECES)}


def test_words_are_cut_as_wordpiece_does() -> None:
    assert cut("abab", OLD) == [OLD["ab"], OLD["##ab"]]
    assert cut("abx", OLD) is None
    assert cut("ab", OLD, continues=True) == [OLD["##ab"]]


def test_pieces_that_no_language_needs_go() -> None:
    words = {"en": {"abab": 10.0, "ab": 5.0}, "de": {"abab": 3.0}}
    assert "rare" in change_vocabulary(OLD, words, keep=9, add=0).pieces
    vocabulary = change_vocabulary(OLD, words, keep=2, add=0)
    assert "rare" not in vocabulary.pieces
    assert {"ab", "##ab", "a", "##b"} <= set(vocabulary.pieces)
    assert list(vocabulary.pieces[-2:]) == list(PREFIXES)


def test_new_pieces_start_from_the_mean_of_their_old_ones() -> None:
    words = {"en": {"ab": 5.0}, "de": {"abab": 900.0, "baba": 800.0}}
    vocabulary = change_vocabulary(OLD, words, keep=5, add=3)
    assert "abab" in vocabulary.pieces
    table = np.random.default_rng(0).standard_normal((len(OLD), 4)).astype(np.float32)
    row = change_table(table, vocabulary)[vocabulary.pieces.index("abab")]
    np.testing.assert_allclose(row, (table[OLD["ab"]] + table[OLD["##ab"]]) / 2, rtol=1e-6)


def test_a_vocabulary_does_not_depend_on_the_order_of_the_old_one() -> None:
    words = {"en": {"ab": 5.0}, "de": {"abab": 900.0, "baba": 800.0}}
    shuffled = dict(sorted(OLD.items(), reverse=True))
    one, other = (change_vocabulary(old, words, keep=5, add=3) for old in (OLD, shuffled))
    assert one == other


def test_the_tokenizer_knows_the_new_pieces_and_the_prefixes() -> None:
    from checkpoint_tokenizers import train_wordpiece
    from tokenizers import Tokenizer

    content = json.loads(train_wordpiece(300, 64).backend_tokenizer.to_str())
    old = content["model"]["vocab"]
    words = {"en": {"search": 50.0, "index": 40.0}, "de": {"suchen": 900.0, "suche": 700.0}}
    vocabulary = change_vocabulary(old, words, keep=60, add=2)
    changed = Tokenizer.from_str(json.dumps(change_tokenizer(content, vocabulary)))
    assert changed.encode("[Q] suchen").tokens[1] == "[Q] "
    assert changed.get_vocab_size() == len(vocabulary.pieces)
    assert changed.encode("search").ids[0] == vocabulary.pieces.index("[CLS]")


def test_a_query_whose_teacher_is_not_trusted_is_not_held_to_it() -> None:
    scores, teacher = torch.rand(2, 3, generator=torch.Generator().manual_seed(4)), torch.eye(2, 3)
    trust = torch.tensor([1.0, 0.0])
    first = losses.order(scores[:1], teacher[:1], 0.1, 0.1)
    assert losses.order(scores, teacher, 0.1, 0.1, trust).item() == pytest.approx(first.item() / 2)
    student, other = (unit(2, 3, 4), unit(2, 5, 4, seed=1)), (unit(2, 3, 6, seed=5), unit(2, 5, 6, seed=1))
    masks = torch.ones(2, 3).bool(), torch.ones(2, 5).bool()
    alone = losses.matrix(*(tuple(part[:1] for part in pair) for pair in (student, other, masks)))  # type: ignore[arg-type]
    assert losses.matrix(student, other, masks, trust).item() == pytest.approx(alone.item() / 2)


def test_each_query_has_its_own_margin() -> None:
    teacher = torch.tensor([[0.9, 0.88], [0.79, 0.8]])
    texts = torch.tensor([1, 2])
    forgiven = losses.forgive(teacher, texts, texts, torch.tensor([[0.95], [2.0]]))
    assert forgiven.tolist() == [[False, True], [False, False]]

"""The exported tokenizer, and what the settings make of it: ids, lengths, and where the model comes from."""

import json
from pathlib import Path
from typing import Any

import pytest
from checkpoint_reading import TEXTS, edit, planner, read

from latefind.errors import ModelError, TokenizerError
from latefind.model import MAX_LENGTH, read_spec
from latefind_export.encoders import longest_input
from latefind_export.settings import render_settings
from latefind_export.tokenizer_file import prepare_tokenizer


def test_prefix_that_is_no_token_is_refused(bert_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"the prefix '\[X\] ' as one token.*--query-prefix"):
        planner(read(bert_checkpoint, query_prefix="[X] "), tmp_path)


def test_tokenizer_with_more_tokens_than_embeddings_is_refused(bert_copy: Path, tmp_path: Path) -> None:
    edit(bert_copy / "config.json", vocab_size=30523)
    with pytest.raises(ModelError, match="each of the tokenizer's 30,524 tokens, got 30,523"):
        planner(read(bert_copy), tmp_path)


def test_lengths_are_cut_to_the_models_positions_and_it_is_said(
    bert_checkpoint: Path, tmp_path: Path
) -> None:
    settings, _ = planner(read(bert_checkpoint, document_length=2048), tmp_path)
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


def test_length_without_room_for_a_word_is_refused(bert_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="lengths from 4 tokens, special ones included, got 3"):
        planner(read(bert_checkpoint, query_length=3), tmp_path)


def test_tokenizer_that_we_lack_is_refused_by_name(bert_copy: Path, tmp_path: Path) -> None:
    path = bert_copy / "tokenizer.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["pre_tokenizer"] = {"type": "UnicodeScripts"}
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(TokenizerError, match="UnicodeScripts"):
        prepare_tokenizer(read(bert_copy), tmp_path / "tokenizer.json")
    assert not (tmp_path / "tokenizer.json").exists()


def test_vocabulary_without_tokenizer_json_is_converted(bert_copy: Path, tmp_path: Path) -> None:
    _, expected = planner(read(bert_copy), tmp_path)
    vocabulary = json.loads((bert_copy / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    (bert_copy / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)), encoding="utf-8")
    (bert_copy / "tokenizer.json").unlink()
    _, plan = planner(read(bert_copy), tmp_path)
    for text in TEXTS:
        assert plan("query", text) == expected("query", text)


def test_checkpoint_without_a_tokenizer_is_refused(bert_copy: Path, tmp_path: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        (bert_copy / name).unlink(missing_ok=True)
    with pytest.raises(TokenizerError, match=r"expected tokenizer\.json, or a vocabulary"):
        prepare_tokenizer(read(bert_copy), tmp_path / "tokenizer.json")


def test_tokenizer_class_of_transformers_5_is_read(bert_copy: Path, tmp_path: Path) -> None:
    edit(bert_copy / "tokenizer_config.json", tokenizer_class="TokenizersBackend")
    _, plan = planner(read(bert_copy), tmp_path)
    assert plan("query", "mars").ids[:4] == [101, 30522, 7733, 102]


def test_tokenizer_that_cuts_on_the_left_is_refused(bert_copy: Path, tmp_path: Path) -> None:
    edit(bert_copy / "tokenizer_config.json", truncation_side="left")
    with pytest.raises(TokenizerError, match="truncation_side: expected right, got left"):
        prepare_tokenizer(read(bert_copy), tmp_path / "tokenizer.json")


def test_settings_say_where_the_model_comes_from(bert_checkpoint: Path, tmp_path: Path) -> None:
    settings, _ = planner(read(bert_checkpoint, name="Little", license="MIT", languages=("en",)), tmp_path)
    audit = {"on": 0.5, "off": 0.4}
    written = render_settings(
        settings, {"type": "none"}, {}, parameters=123, expansion_audit={"chosen": True, **audit}
    )
    data = json.loads(written)
    assert data["checkpoint"] == {"source": "bert", "layout": "pylate", "parameters": 123, "notes": []}
    assert data["expansion_audit"] == {"chosen": True, **audit}
    assert (read_spec(written).name, read_spec(written).license) == ("Little", "MIT")

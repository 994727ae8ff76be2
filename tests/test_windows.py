import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from latefind.passages import Passage, Section, encoded_text
from latefind_build.windows import split_passages


def wordpiece() -> Tokenizer:
    """BERT's way: one token a word, punctuation mark or letter of an unknown word."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *".,!?:;()", "word", "sentence", "title"]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocabulary = {
        token: number for number, token in enumerate([*words, *letters, *(f"##{c}" for c in letters)])
    }
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=special)
    return tokenizer


def byte_level() -> Tokenizer:
    """GPT's way: several tokens may share a character, and a space belongs to the word after it."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*alphabet, "Ġw", "or", "ord"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("Ġ", "w"), ("o", "r"), ("or", "d")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def unigram() -> Tokenizer:
    """SentencePiece's way, without a split at whitespace: tokens may span words."""
    pieces = [
        ("<unk>", -9.0),
        ("▁", -3.0),
        ("a", -3.0),
        ("b", -3.0),
        ("a▁b", -1.0),
        ("▁a", -2.0),
        (".▁", -1.0),
    ]
    tokenizer = Tokenizer(models.Unigram(pieces, 0, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    return tokenizer


TOKENIZERS = {"wordpiece": wordpiece(), "byte_level": byte_level(), "unigram": unigram()}


def make(text: str, title: str = "") -> Section:
    return Section(id="s", url="s", title=title, text=text)


def windows(text: str, length: int, title: str = "") -> list[str]:
    section = make(text, title)
    return [text[p.start : p.end] for p in split_passages(section, 0, TOKENIZERS["wordpiece"], length)]


def count(tokenizer: Tokenizer, text: str) -> int:
    return len(tokenizer.encode(text).ids)


# Examples


def test_windows_of_a_text_that_fits_are_one():
    assert split_passages(make("word word", "title"), 7, TOKENIZERS["wordpiece"], 6) == [Passage(7, 0, 9)]


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_windows_of_an_empty_text_are_one_empty_passage(text):
    assert split_passages(make(text, "title"), 3, TOKENIZERS["wordpiece"], 8) == [Passage(3, 0, 0)]


def test_windows_end_between_blocks_where_they_can():
    block = "word word word word. word"
    assert windows("\n".join([block] * 4), 14) == [f"{block}\n{block}"] * 2


def test_windows_end_between_sentences_within_a_long_block():
    sentence = "sentence word word word word."
    assert windows(" ".join([sentence] * 4), 15) == [f"{sentence} {sentence}"] * 2


def test_windows_end_between_chinese_sentences():
    # Every character is a token of its own.
    assert windows("天地玄黄。宇宙洪荒。", 8) == ["天地玄黄。", "宇宙洪荒。"]


def test_windows_end_between_words_within_a_long_sentence():
    assert windows(" ".join(["word"] * 20), 12) == [" ".join(["word"] * 10)] * 2


def test_windows_cut_a_word_only_when_they_must():
    assert windows("abcdefgh", 6) == ["abcd", "efgh"]


def test_windows_are_about_equally_long():
    lengths = [len(window.split()) for window in windows(" ".join(["word"] * 43), 12)]
    assert sum(lengths) == 43
    assert len(lengths) == 5
    assert min(lengths) >= 8


def test_windows_leave_room_for_the_context():
    section = make(" ".join(["word"] * 100), "title title title")
    passages = split_passages(section, 0, TOKENIZERS["wordpiece"], 26)
    assert len(passages) == 5
    assert all(count(TOKENIZERS["wordpiece"], encoded_text(section, passage)) <= 26 for passage in passages)


def test_windows_are_a_third_of_the_length_under_a_context_without_end():
    section = make(" ".join(["word"] * 100), "title " * 200)
    passages = split_passages(section, 0, TOKENIZERS["wordpiece"], 60)
    assert [len(section.text[p.start : p.end].split()) for p in passages] == [20] * 5


def test_windows_count_what_truncation_and_padding_would_hide():
    tokenizer = wordpiece()
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=64)
    assert len(split_passages(make(" ".join(["word"] * 60)), 0, tokenizer, 22)) == 3


def test_windows_keep_the_real_number_of_tokens_of_a_cut_word(model_dir: Path):
    """A word of over 100 letters is one unknown token; its parts are many tokens each."""
    tokenizer = Tokenizer.from_file(str(model_dir / "tokenizer.json"))
    section = make("x" * 50_000 + " " + "Donaudampfschifffahrtsgesellschaft" * 90 + " " + "a-b." * 900)
    start = time.perf_counter()
    passages = split_passages(section, 0, tokenizer, 64)
    assert time.perf_counter() - start < 5
    assert all(count(tokenizer, encoded_text(section, passage)) <= 64 for passage in passages)
    assert_covered(section, passages)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_windows_of_a_word_without_end_come_quickly(name):
    section = make("ab" * 25_000)
    start = time.perf_counter()
    passages = split_passages(section, 0, TOKENIZERS[name], 64)
    assert time.perf_counter() - start < 10
    assert_covered(section, passages)


# Guarantees


def assert_covered(section: Section, passages: list[Passage]) -> None:
    """Windows in order, without overlap, with nothing but whitespace between and around them."""
    position = 0
    for passage in passages:
        assert position <= passage.start < passage.end
        assert not section.text[position : passage.start].strip()
        position = passage.end
    assert not section.text[position:].strip()


PIECES = st.sampled_from(
    [
        " ",
        "\n",
        "word",
        "sentence. ",
        "abc",
        "a b",
        "...",
        "天地。",
        "é",
        "e\u0301",
        "👩‍👩‍👧",
        "\u200b",
        "İ",
        "x" * 120,
        "ß,",
        "\t",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=6), min_size=1, max_size=80).map("".join)


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=150, deadline=None)
@given(text=TEXTS.filter(str.strip), title=st.text(max_size=12), length=st.integers(40, 90))
def test_windows_fit_and_cover_the_text(name, text, title, length):
    tokenizer = TOKENIZERS[name]
    section = make(text, title)
    passages = split_passages(section, 0, tokenizer, length)
    assert_covered(section, passages)
    if count(tokenizer, title) < length // 3:
        for passage in passages:
            fits = count(tokenizer, encoded_text(section, passage)) <= length
            assert fits or passage.end - passage.start == 1


@given(text=TEXTS.filter(str.strip), length=st.integers(3, 12))
@settings(max_examples=100, deadline=None)
def test_windows_cover_the_text_at_absurd_lengths(text, length):
    section = make(text, "a title that alone is longer")
    assert_covered(section, split_passages(section, 0, TOKENIZERS["wordpiece"], length))


def test_tokenizers_of_these_tests_do_what_they_are_for():
    offsets = TOKENIZERS["byte_level"].encode("天").offsets
    assert offsets == [(0, 1)] * 3
    assert "a▁b" in TOKENIZERS["unigram"].encode("a b").tokens
    assert json.loads(TOKENIZERS["wordpiece"].to_str())["post_processor"]["type"] == "TemplateProcessing"

"""The shipped model's tokenizer against the ``tokenizers`` library: ids and offsets are equal."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizer_oracle import SHIPPED, expected, shipped
from tokenizers import AddedToken

from latefind.errors import TokenizerError
from latefind.tokenizer import Tokenizer

ORACLE = shipped()
TOKENIZER = Tokenizer.from_json(SHIPPED.read_bytes())

STRESS = {
    "empty": "",
    "sentence": "Mars is the Red Planet.",
    "accents": "Çà et là, déjà vu: naïve façade, Ångström, Škoda, coöperate, Dvořák, Ełk, Phở",
    "decomposed": "Cafe\u0301 a\u0323\u0302 a\u0302\u0323 n\u0303 o\u0308\u0304",
    "german": "Größenwahn, Straße, ÄÖÜ, ẞ",
    "greek_final_sigma": "ΟΔΥΣΣΕΥΣ Σ ΣΑΣ ΌΣΟΣ ΣΊΓΜΑΣ.",
    "turkish": "İstanbul IĞDIR ılık İİ i̇",
    "cyrillic": "Съешь ещё этих мягких французских булок, йод",
    "vietnamese": "Cụ thể, bạn sẽ tham gia một nhóm các giám đốc điều hành",
    "arabic": "مَرْحَبًا بالعالم ، كيف الحال؟ ﷺ",
    "hebrew": "שָׁלוֹם עוֹלָם",
    "hindi": "नमस्ते दुनिया, क्या हाल है?",
    "thai": "สวัสดีชาวโลก กำลังทำ",
    "tamil_and_bengali": "வணக்கம் উদাহরণ কো",
    "chinese": "快速的棕色狐狸跳过了懒狗。〇 㐀 豈 𠀀 𫝀 𫠠 鿿",
    "japanese": "東京タワーはどこですか? ガギグ が ｶﾞ 々",
    "korean": "안녕하세요 세계 각 \u1112\u1161\u11ab 힣",
    "emoji": "🙂 👨‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪 ❤️ 1️⃣",
    "combining_on_nothing": "\u0301 \u0301\u0323 \u200d\u0301",
    "many_marks": "Z" + "\u0301\u0323\u0334\u0345" * 40 + "algo",
    "spacing_marks_with_class": "가\u302e나\u302f \U0001d15e\U0001d166\U0001d165 \u1715",
    "control": "a\x00b\x01c\x07d\x0be\x0cf\x1bg\x7fh\x85i\x9fj",
    "information_separators": "a\x1cb\x1dc\x1ed\x1fe",
    "replacement_and_private": "a\ufffdb\ue000c\U000f0000d\U0010fffde",
    "format_characters": "soft\u00adhyphen zero\u200bwidth bidi\u202eabc\u202c bom\ufeffend \u180e",
    "white_space": "a\tb\nc\r\nd\u00a0e\u1680f\u2003g\u2028h\u2029i\u202fj\u205fk\u3000l  m",
    "only_white_space": " \t\n\u3000",
    "punctuation": "a.b,c;d!e?f'g\"h(i)j[k]l{m}n<o>p|q\\r/s~t`u@v#w$x%y^z&a*b_c-d+e=f",
    "other_punctuation": "«a» “b” „c‟ ‘d’ – — … ¿e? ¡f! 、。「g」 § ¶ · ၊ ᙭",
    "symbols": "€5 £6 ¥7 © ® ™ ° ± ∑ ∞ ≠ ← → ½ ² ③ Ⅷ",
    "compatibility": "ﬁ ﬂ ①②③ ＡＢＣ ㎏ ℃ Ω K Å",
    "code": 'for (int i = 0; i < n_items; ++i) { printf("%d\\n", a[i]); } // ok?',
    "urls": "https://example.org/a/b?c=d&e=f#g user@example.org",
    "numbers": "1,234,567.89 0x1F 1e-10 ١٢٣ १२३",
    "special_tokens": "a [MASK] b[SEP]c [CLS][PAD] [UNK] [mask] [ MASK ] [MASK",
    "noncharacters": "a\ufffeb\uffffc\U0001ffffd\ufdd0e",
    "unassigned": "a\u0378b\U000e0fffc",
    "newer_than_unicode_9": "\u1c89 \ua7cb \U00010d50 \U00016ea0 \U00011938 \u32ff \U0001e030 \U0001d7f5",
    "hundred_characters": "a" * 100,
    "hundred_and_one_characters": "a" * 101,
    "ten_thousand_characters": "x" * 10_000 + " end",
    "ten_thousand_distinct": "".join(map(chr, range(0x4000, 0x4000 + 10_000))),
    "ten_thousand_marks": "e" + "\u0301" * 10_000,
    "ten_thousand_hyphens": "-" * 10_000,
}

PIECES = st.one_of(
    st.sampled_from(["[MASK]", "[SEP]", "[CLS]", "[UNK]", "[PAD]", "[", "]", "##", "##ing", "MASK"]),
    st.sampled_from([" ", "  ", "\t", "\n", "\u3000", "\u00a0", "\u200b", "\x0b", "\x85", "\x1c"]),
    st.sampled_from(
        ["İ", "Σ", "ς", "ß", "é", "ậ", "Å", "\u0301", "\u0323", "\u0334", "\u0344", "\u302e", "\u0f73"]
    ),
    st.sampled_from(
        ["the", "reading", "Python", "unaffable", "x" * 99, ".", "...", "中", "가", "👩‍💻", "\ufe0f"]
    ),
    # Unassigned code points may become letters in a later release of the library.
    st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=4),
)


@pytest.mark.parametrize("name", STRESS)
def test_encode_equals_the_library(name: str) -> None:
    assert TOKENIZER.encode(STRESS[name]) == expected(ORACLE, STRESS[name])


@pytest.mark.parametrize("name", STRESS)
def test_encode_equals_the_library_inside_other_text(name: str) -> None:
    text = f"Vor [MASK]{STRESS[name]}\u0301 nach é"
    assert TOKENIZER.encode(text) == expected(ORACLE, text)


@settings(deadline=None, max_examples=400)
@given(st.text(st.characters(exclude_categories=["Cs", "Cn"])))
def test_encode_equals_the_library_on_any_text(text: str) -> None:
    assert TOKENIZER.encode(text) == expected(ORACLE, text)


@settings(deadline=None, max_examples=600)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_encode_equals_the_library_on_awkward_text(text: str) -> None:
    assert TOKENIZER.encode(text) == expected(ORACLE, text)


def test_encode_gives_the_reference_tokens() -> None:
    text = "Mars is the Red Planet."
    assert TOKENIZER.encode(text).ids == [101, 7733, 2003, 1996, 2417, 4774, 1012, 102]


def test_encode_offsets_point_into_the_original_text() -> None:
    text = "İ  Ça-va? Cafe\u0301"
    encoding = TOKENIZER.encode(text, add_special_tokens=False)
    assert [text[start:end] for start, end in encoding.offsets] == ["İ", "Ça", "-", "va", "?", "Cafe"]


def test_encode_without_special_tokens_keeps_those_in_the_text() -> None:
    encoding = TOKENIZER.encode("a [MASK]", add_special_tokens=False)
    assert encoding == expected(ORACLE, "a [MASK]", add_special_tokens=False)
    assert encoding.ids[-1] == 103


@pytest.mark.parametrize("max_length", range(2, 14))
def test_encode_truncates_as_the_library(max_length: int) -> None:
    oracle = shipped()
    oracle.enable_truncation(max_length)
    text = "Unaffable [MASK] 中文 Ça va, İstanbul"
    assert TOKENIZER.encode(text, max_length=max_length) == expected(oracle, text)


@pytest.mark.parametrize("max_length", range(14))
def test_encode_truncates_as_the_library_without_special_tokens(max_length: int) -> None:
    oracle = shipped()
    oracle.enable_truncation(max_length)
    text = "Unaffable [MASK] 中文 Ça va, İstanbul"
    encoding = TOKENIZER.encode(text, max_length=max_length, add_special_tokens=False)
    assert encoding == expected(oracle, text, add_special_tokens=False)


def test_encode_max_length_without_room_for_special_tokens_is_refused() -> None:
    with pytest.raises(TokenizerError, match=r"max_length: expected at least 2, .*, got 1"):
        TOKENIZER.encode("a", max_length=1)


def test_encode_ignores_truncation_and_padding_of_the_file() -> None:
    content = json.loads(SHIPPED.read_text(encoding="utf-8"))
    content["truncation"] = {"max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    content["padding"] = {"strategy": {"Fixed": 8}, "direction": "Right", "pad_id": 0}
    assert (
        TOKENIZER.encode("a b c d e").ids == Tokenizer.from_json(json.dumps(content)).encode("a b c d e").ids
    )


@pytest.mark.parametrize("text", ["a\ud800b", "\udc00", "a \ud83d\ude00", "\ud800[MASK]\u0301"])
def test_encode_lone_surrogates_count_as_replacement_characters(text: str) -> None:
    replaced = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    assert TOKENIZER.encode(text) == expected(ORACLE, replaced)


def test_encode_is_the_same_the_second_time() -> None:
    assert TOKENIZER.encode("Reading naïvely") == TOKENIZER.encode("Reading naïvely")


def test_vocab_size_counts_added_tokens_once() -> None:
    oracle = shipped()
    oracle.add_tokens([AddedToken("[Q] ", normalized=False), "the"])
    tokenizer = Tokenizer.from_json(oracle.to_str())
    assert tokenizer.vocab_size == oracle.get_vocab_size() == 30523


@pytest.mark.parametrize("token", ["[MASK]", "the", "##ing", "[Q] ", "nowhere to be found", ""])
def test_token_to_id_equals_the_library(token: str) -> None:
    oracle = shipped()
    oracle.add_tokens([AddedToken("[Q] ", normalized=False)])
    assert Tokenizer.from_json(oracle.to_str()).token_to_id(token) == oracle.token_to_id(token)

"""Texts on which every tokenizer is compared with the ``tokenizers`` library."""

import functools
import json
import os
import re
from itertools import zip_longest
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
EVAL = Path(os.environ.get("LATEFIND_EVAL", Path(__file__).parents[2] / "shared" / "eval"))

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


def documentation_lines() -> list[str]:
    """Lines of this repository's documentation, which is in English."""
    lines = [line for path in sorted(DOCS.glob("*.md")) for line in path.read_text("utf-8").splitlines()]
    return [line for line in lines if line.strip()]


@functools.cache
def evaluation_lines(count: int = 10_000) -> list[str]:
    """Sentences of the evaluation sets, of each set as many as of the others; always the same ones."""
    if not EVAL.is_dir():
        pytest.skip("no evaluation sets: name their folder in LATEFIND_EVAL")
    sets = [_evenly(_sentences(folder), count) for folder in sorted(EVAL.iterdir()) if folder.is_dir()]
    rounds = zip_longest(*sets)
    return [line for around in rounds for line in around if line is not None][:count]


def _sentences(folder: Path) -> list[str]:
    records = [
        json.loads(line)
        for name in ("queries.jsonl", "corpus.jsonl")
        for line in (folder / name).read_text("utf-8").splitlines()
    ]
    return [sentence for record in records for sentence in re.split(r"(?<=[.!?])\s+|\n", record["text"])]


def _evenly(lines: list[str], count: int) -> list[str]:
    """Return lines from all over, so that taking them from the start does not favour the first ones."""
    step = next(step for step in (997, 991, 983) if len(lines) % step)
    return [lines[index * step % len(lines)] for index in range(min(count, len(lines)))]

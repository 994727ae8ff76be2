"""Unigram tokenizers in the shapes of well-known models, trained on the repository's own text."""

import base64
import functools
import io
import json
from typing import Any

import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2
from tokenizer_texts import documentation_lines

OTHER_LANGUAGES = [
    "Die Suche läuft vollständig im Browser der Besucher. Größere Verzeichnisse werden gestückelt.",
    "La recherche fonctionne entièrement dans le navigateur ; « aucune » requête n'en sort, où que ce soit.",
    "¿Cómo añado la búsqueda a mi página? El índice está en la carpeta; más información aquí.",
    "Поиск полностью выполняется в браузере. Съешь ещё этих мягких французских булок.",
    "検索はブラウザの中だけで動きます。東京タワーはどこですか。快速的棕色狐狸跳过了懒狗。",
    "검색은 브라우저 안에서만 실행됩니다. 안녕하세요 세계.",
    "البحث يعمل بالكامل في المتصفح. مَرْحَبًا بالعالم",
    "खोज पूरी तरह ब्राउज़र में चलती है। नमस्ते दुनिया",
    "การค้นหาทำงานในเบราว์เซอร์ทั้งหมด สวัสดีชาวโลก",
    "--------- ======= !!!!!! ........ 0000000 1111 aaaaaaa abababab",
]


def sentences() -> list[str]:
    """Lines of the documentation, and some in other scripts."""
    return documentation_lines() + OTHER_LANGUAGES * 3


@functools.cache
def sentencepiece_model(rule: str = "nmt_nfkc", byte_fallback: bool = False) -> Any:
    """Train SentencePiece on :func:`sentences` and return the parsed model."""
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences()),
        model_writer=trained,
        model_type="unigram",
        vocab_size=3000,
        hard_vocab_limit=False,
        normalization_rule_name=rule,
        byte_fallback=byte_fallback,
        max_sentence_length=100_000,
        num_threads=1,
        minloglevel=2,
    )
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(trained.getvalue())
    return model


def table(rule: str = "nmt_nfkc") -> str:
    """Return SentencePiece's own normalization table, in base64."""
    return base64.b64encode(sentencepiece_model(rule).normalizer_spec.precompiled_charsmap).decode()


def _added(content: str, **flags: bool) -> dict[str, object]:
    shape = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": 0, "content": content, **shape, **flags}


def _template(before: list[str], behind: list[str], ids: dict[str, int]) -> dict[str, object]:
    text: list[object] = [{"Sequence": {"id": "A", "type_id": 0}}]
    special = {name: [{"SpecialToken": {"id": name, "type_id": 0}}] for name in (*before, *behind)}
    single = [item for name in before for item in special[name]] + text
    single += [item for name in behind for item in special[name]]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in special},
    }


def _replace(content: str) -> dict[str, object]:
    return {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": content}


def _file(
    vocabulary: list[tuple[str, float]],
    unknown: str,
    normalizers: list[dict[str, object]],
    pre_tokenizer: dict[str, object],
    template: tuple[list[str], list[str]],
    added: list[dict[str, object]],
    byte_fallback: bool = False,
) -> dict[str, Any]:
    ids = {token: index for index, (token, _) in enumerate(vocabulary)}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": pre_tokenizer,
        "post_processor": _template(*template, ids),
        "decoder": None,
        "model": {
            "type": "Unigram",
            "unk_id": ids[unknown],
            "vocab": [list(entry) for entry in vocabulary],
            "byte_fallback": byte_fallback,
        },
    }


def _pieces(model: Any) -> list[tuple[str, float]]:
    return [(piece.piece, piece.score) for piece in model.pieces][3:]


def xlm_roberta() -> dict[str, Any]:
    """XLM-RoBERTa's shape, which multilingual-e5 and bge-m3 share: fairseq's four tokens come first."""
    first = [(token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>")]
    return _file(
        [*first, *_pieces(sentencepiece_model()), ("<mask>", 0.0)],
        "<unk>",
        [{"type": "Precompiled", "precompiled_charsmap": table()}, _replace(" ")],
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        (["<s>"], ["</s>"]),
        [
            *(_added(token) for token, _ in first),
            _added("<mask>", lstrip=True),
            _added("[Q] "),
            _added("[D] "),
        ],
    )


def with_metaspace(**fields: object) -> str:
    """Return XLM-RoBERTa's ``tokenizer.json`` with other settings of Metaspace."""
    content = xlm_roberta()
    content["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", **fields}
    return json.dumps(content)


def xlm_roberta_of_2020() -> dict[str, Any]:
    """The same as older releases wrote it."""
    content = xlm_roberta()
    content["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": table()}
    content["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "WhitespaceSplit"},
            {"type": "Metaspace", "replacement": "▁", "str_rep": "▁", "add_prefix_space": True},
        ],
    }
    del content["model"]["byte_fallback"]
    return content


def t5() -> dict[str, Any]:
    """T5's shape: nothing stands before the text, words are split at any white space."""
    first = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    return _file(
        [*first, *_pieces(sentencepiece_model())],
        "<unk>",
        [
            {"type": "Precompiled", "precompiled_charsmap": table()},
            {"type": "Strip", "strip_left": False, "strip_right": True},
            _replace("▁"),
        ],
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        ([], ["</s>"]),
        [*(_added(token) for token, _ in first), _added("<extra_id_0>")],
    )


def deberta() -> dict[str, Any]:
    """mDeBERTa's shape: white space at the ends is dropped, a normalized added token."""
    first = [("[PAD]", 0.0), ("[CLS]", 0.0), ("[SEP]", 0.0), ("[UNK]", 0.0)]
    return _file(
        [*first, *_pieces(sentencepiece_model())],
        "[UNK]",
        [
            {"type": "Strip", "strip_left": True, "strip_right": True},
            {"type": "Precompiled", "precompiled_charsmap": table()},
            _replace(" "),
        ],
        {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
            ],
        },
        (["[CLS]"], ["[SEP]"]),
        [*(_added(token, normalized=token == "[UNK]") for token, _ in first), _added("[MASK]")],
    )


def albert() -> dict[str, Any]:
    """ALBERT's shape: quotes unified, accents stripped, lowercase."""
    first = [("<pad>", 0.0), ("<unk>", 0.0), ("[CLS]", 0.0), ("[SEP]", 0.0)]
    quotes = [{"type": "Replace", "pattern": {"String": string}, "content": '"'} for string in ("``", "''")]
    return _file(
        [*first, *_pieces(sentencepiece_model("nmt_nfkc_cf"))],
        "<unk>",
        [
            *quotes,
            {"type": "NFKD"},
            {"type": "StripAccents"},
            {"type": "Lowercase"},
            {"type": "Precompiled", "precompiled_charsmap": table("nmt_nfkc_cf")},
            _replace(" "),
        ],
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        (["[CLS]"], ["[SEP]"]),
        [*(_added(token) for token, _ in first), _added("[MASK]", lstrip=True)],
    )


def with_bytes() -> dict[str, Any]:
    """Unknown characters become bytes; nothing is split, as in Llama's and Gemma's relatives."""
    model = sentencepiece_model("identity", byte_fallback=True)
    return _file(
        [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), *_pieces(model)],
        "<unk>",
        [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        ],
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": False},
        (["<s>"], []),
        [_added("<unk>"), _added("<s>"), _added("</s>")],
        byte_fallback=True,
    )


SHAPES = {
    "XLM-RoBERTa": xlm_roberta,
    "XLM-RoBERTa of 2020": xlm_roberta_of_2020,
    "T5": t5,
    "mDeBERTa": deberta,
    "ALBERT": albert,
    "byte fallback": with_bytes,
}


@functools.cache
def text_of(shape: str) -> str:
    """Return the ``tokenizer.json`` of a shape."""
    return json.dumps(SHAPES[shape]())


@functools.cache
def oracle_of(shape: str) -> tokenizers.Tokenizer:
    """Return the library's tokenizer of a shape."""
    return tokenizers.Tokenizer.from_str(text_of(shape))

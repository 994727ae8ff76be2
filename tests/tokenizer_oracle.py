"""Small tokenizers built with the ``tokenizers`` library, and the comparison with ours."""

from pathlib import Path

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

from latefind.tokenizer import Encoding, Tokenizer

SHIPPED = Path(__file__).parent.parent / "build/latefind_build/models/default/tokenizer.json"

LETTERS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789éèüßσςıïñçøæőж中文日한글🙂.,!?-_'#[]()"
)
WORDS = ["hello", "world", "read", "reading", "##ing", "##er", "##s", "naïve", "naive", "strasse", "##sse"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def shipped() -> tokenizers.Tokenizer:
    """The default model's tokenizer, without the truncation and padding that its file asks for."""
    oracle = tokenizers.Tokenizer.from_file(str(SHIPPED))
    oracle.no_truncation()
    oracle.no_padding()
    return oracle


def small(
    normalizer: normalizers.Normalizer | None = None,
    pre_tokenizer: pre_tokenizers.PreTokenizer | None = None,
    processor: processors.PostProcessor | None = None,
    **model: object,
) -> tokenizers.Tokenizer:
    """A WordPiece tokenizer whose vocabulary has single letters and a few words."""
    tokens = [*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS), *WORDS]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    oracle = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", **model))
    if normalizer is not None:
        oracle.normalizer = normalizer
    if pre_tokenizer is not None:
        oracle.pre_tokenizer = pre_tokenizer
    if processor is not None:
        oracle.post_processor = processor
    return oracle


def ours(oracle: tokenizers.Tokenizer) -> Tokenizer:
    return Tokenizer.from_json(oracle.to_str())


def expected(oracle: tokenizers.Tokenizer, text: str, **options: bool) -> Encoding:
    encoding = oracle.encode(text, **options)
    return Encoding(encoding.ids, encoding.offsets)

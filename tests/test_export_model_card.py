"""The front matter of a model card: what is taken from it, and that it is not trusted."""

from pathlib import Path

import pytest

from latefind_export.model_card import read_card


@pytest.mark.parametrize(
    ("matter", "license_name", "languages"),
    [
        ("license: apache-2.0\nlanguage: en", "Apache-2.0", ("en",)),
        ("license: cc-by-nc-4.0\nlanguage: [de, no, pt-BR, x, de]", "CC-BY-NC-4.0", ("de", "no", "pt-BR")),
        ("license: other\nlicense_name: some-terms", "some-terms", ()),
        ("license: [mit]", "MIT", ()),
        ("license: {a: 1}\nlanguage: 3", "unknown", ()),
        ("license: !!python/object/apply:os.system [ls]", "unknown", ()),
        ("license: mit\nlanguage: [", "unknown", ()),
        ("[" * 5000, "unknown", ()),
        ("license: 2024-13-45", "unknown", ()),
        ('license: "a\\nb\\u202e"', "a b", ()),
        ("- a list", "unknown", ()),
    ],
)  # fmt: skip
def test_model_card_is_read_without_trusting_it(
    matter: str, license_name: str, languages: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text(f"---\n{matter}\n---\n# Title\n", encoding="utf-8")
    card = read_card(tmp_path, "model")
    assert (card.name, card.license, card.languages) == ("model", license_name, languages)


@pytest.mark.parametrize(
    "content", [b"# No front matter", b"---\nlicense: mit\nno end", b"---\n\xff\xfe: \x00\n---\n"]
)
def test_model_card_that_says_nothing_is_unknown(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(content)
    assert read_card(tmp_path, "model").license == "unknown"
    assert read_card(tmp_path / "nowhere", "model").license == "unknown"

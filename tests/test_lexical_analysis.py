"""The words of a text: languages, identifiers, folding, titles."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latefind.lexical_analysis import (
    MAX_SEQUENCE,
    MAX_WORD,
    Chunk,
    Terms,
    case_parts,
    fold,
    is_word_character,
    plain,
    scan_chunks,
)
from latefind_build.stemmers import analyser_of


def analyse(text: str, language: str = "en") -> list[Terms]:
    return list(analyser_of(language).analyse(text))


def words(text: str, language: str = "en") -> list[str]:
    return [term for terms in analyse(text, language) for term, _ in terms.words]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "The installations were configured", ["the", "instal", "were", "configur"]),
        ("de", "Die Häuser wurden verkäuflich", ["die", "haus", "wurd", "verkauf"]),
        ("es", "Configuración de las contraseñas", ["configur", "de", "las", "contrasen"]),
        ("fr", "L'été, les fenêtres étaient ouvertes", ["ete", "le", "fenetr", "etaient", "ouvert"]),
        ("it", "Le impostazioni della città", ["le", "impost", "dell", "citt"]),
        ("nl", "De instellingen van gebruikers", ["de", "instel", "van", "bruiker"]),
        ("pt", "As configurações do usuário", ["as", "configur", "do", "usuari"]),
        ("sv", "Inställningarna för användare", ["installningarna", "for", "anvandare"]),
        ("ru", "Настройки поиска", ["настроики", "поиска"]),
        ("", "Running searches", ["running", "searches"]),
    ],
)
def test_words_are_stemmed_by_language(language: str, text: str, expected: list[str]) -> None:
    assert words(text, language) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("os.path.join", {"path\x01os.path.join"}),
        ("--no-cache", {"cache\x01--no-cache", "cache\x01no-cache"}),
        ("HTTPError", set()),
        ("C++", {"c\x01c++"}),
        ("C#", {"c\x01c#"}),
        (".gitignore", {"gitignore\x01.gitignore"}),
        ("std::vector", {"vector\x01std::vector"}),
        ("snake_case", {"snake\x01snake_case"}),
        ("__init__", {"init\x01__init__"}),
        ("@media", {"media\x01@media"}),
        ("x86_64", {"x86\x01x86_64"}),
        ("HTTP/2", {"http\x01http/2"}),
        ("foo->bar", {"foo\x01foo->bar"}),
        (r"App\Models", {"models\x01app\\models"}),
        ("$HOME", {"home\x01$home"}),
        ("(word)", set()),
        ("word.", set()),
    ],
)
def test_names_are_terms_as_a_whole(text: str, expected: set[str]) -> None:
    assert {whole for terms in analyse(text) for whole in terms.wholes} == expected


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        ("HTTPError", ["HTTP", "Error"]),
        ("getHTTPResponse", ["get", "HTTP", "Response"]),
        ("camelCase", ["camel", "Case"]),
        ("sha256Sum", ["sha256", "Sum"]),
        ("PDFs", ["PDFs"]),
        ("word", ["word"]),
        ("WORD", ["WORD"]),
        ("ÄrgerNis", ["Ärger", "Nis"]),
    ],
)
def test_camel_case_is_cut_where_words_begin(piece: str, expected: list[str]) -> None:
    assert case_parts(piece) == expected


def test_parts_of_camel_case_are_terms_beside_the_word() -> None:
    [terms] = analyse("HTTPError")
    assert [term for term, _ in terms.words] == ["httperror"]
    assert list(terms.parts) == ["http", "error"]


@pytest.mark.parametrize("text", ["l'eau", "l’eau"])
def test_single_letter_at_an_apostrophe_is_no_word(text: str) -> None:
    assert words(text, "fr") == ["eau"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("日本語", ["日本", "本語"]), ("語", ["語"]), ("Python入門", ["python", "入門"]), ("ﬁle", ["file"])],
)
def test_scripts_without_spaces_are_cut_into_pairs(text: str, expected: list[str]) -> None:
    assert words(text, "") == expected


def test_ignorable_characters_do_not_divide_words() -> None:
    assert words("Zu\u00adsammen\u200dhang", "") == ["zusammenhang"]


def test_ignorable_characters_alone_are_no_chunk() -> None:
    assert list(scan_chunks("\u00ad \ufeff.\u200d")) == []


def test_long_words_and_names_are_dropped() -> None:
    long = "a" * (MAX_WORD + 1)
    assert words(long) == []
    assert analyse(f"{long}.b")[0].wholes == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a --b", [Chunk("", "a", ""), Chunk("--", "b", "")]),
        ("a--b", [Chunk("", "a", ""), Chunk("", "b", "")]),
        ("----b", [Chunk("", "b", "")]),
        ("c++x", [Chunk("", "c", ""), Chunk("", "x", "")]),
        ("https://a.org/b", [Chunk("", "https", ""), Chunk("", "a.org/b", "")]),
    ],
)
def test_prefix_and_suffix_count_only_at_the_edge_of_words(text: str, expected: list[Chunk]) -> None:
    assert list(scan_chunks(text)) == expected


def test_word_characters_are_letters_marks_and_numbers() -> None:
    for code in range(0, sys.maxunicode + 1, 7):
        char = chr(code)
        expected = unicodedata.category(char)[0] in "LMN" or char in "\u00ad\u200c\u200d\u2060\ufeff"
        assert is_word_character(char) == expected, hex(code)


@pytest.mark.parametrize(
    ("title", "full", "inner"),
    [
        ("Getting Started", ["start\x02get start"], []),
        ("os.path.join", ["path\x02os.path.join"], ["join\x02join", "path\x02path.join"]),
        (
            "HTTPError(url)",
            ["httperror\x02httperror url", "httperror\x02httperror"],
            [],
        ),
        ("--no-cache", ["cach\x02--no-cache"], ["cach\x02no-cache"]),
        ("(empty)", ["empti\x02empti"], []),
        ("", [], []),
    ],
)
def test_titles_have_keys(title: str, full: list[str], inner: list[str]) -> None:
    assert analyser_of("en").title_keys(title) == (full, inner)


def test_endless_title_has_no_key() -> None:
    assert analyser_of("en").title_keys("word " * (MAX_SEQUENCE // 4)) == ([], [])


@given(st.text())
def test_analysis_is_total_and_its_terms_are_folded(text: str) -> None:
    for terms in analyse(text):
        for term in (*[term for term, _ in terms.words], *terms.wholes, terms.form):
            assert term == plain(term)


@given(st.text())
def test_folding_is_stable_for_words(text: str) -> None:
    once = plain(fold(text))
    assert plain(once) == once

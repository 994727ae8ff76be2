"""The page's reader of a word index against Python's: equal words, orders and cards; typed errors."""

import base64
import gzip
import json
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lexical_folder import open_natively, run_lexical, write_lexical_folder
from lexical_texts import NAMES, SENTENCES, make_queries, make_sections

from latefind.lexical_format import LEXICAL_VERSION
from latefind.passages import Section
from latefind_build.stemmers import analyser_of

HOSTILE = (
    "aZ9_.:-/@#\\$%!~&+ '’\n\u00ad\u200d\ufeff\u0301\u0328äßœİıǅſﬁ①½²ñÅΣσςЖй"
    "中文日本ภาษา한국\U00020000\U0001d400\U0001f600\x00\x01\x02\x1f"
)
"""Characters that words, names and foldings turn on."""


@pytest.fixture(scope="module")
def sections() -> list[Section]:
    return make_sections()


@pytest.fixture(scope="module", params=[1, 100], ids=["few files", "many files"])
def folder(
    request: pytest.FixtureRequest, sections: list[Section], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return write_lexical_folder(tmp_path_factory.mktemp("lexical") / "latefind", sections, request.param)


def test_order_scores_and_corrections_are_pythons(sections: list[Section], folder: Path) -> None:
    native = open_natively(folder)
    queries = list(make_queries(sections))
    jobs = [{"do": "search", "text": text, "options": {"limit": 500, **options}} for text, options in queries]
    found = 0
    for (text, options), hits in zip(queries, run_lexical(folder, jobs), strict=True):
        wanted = dict(options)
        analyser = analyser_of(native.language_of(str(wanted.pop("lang"))))
        expected = native.search(text, analyser, limit=500, **wanted)  # type: ignore[arg-type]
        assert "error" not in hits, (text, hits)
        assert hits["documents"] == expected.documents.tolist(), text
        assert hits["scores"] == pytest.approx(expected.scores.tolist(), rel=1e-6), text
        assert hits["total"] == expected.total, text
        assert hits.get("corrected", {}) == expected.corrected, text
        found += expected.total > 0
    assert found > len(queries) / 2


@pytest.mark.parametrize("typing", [False, True])
@pytest.mark.parametrize("text", ["hom zebra yak", "a zzzq hom", "yak zebra hom"])
def test_frequent_word_is_found_where_nothing_else_is(text: str, typing: bool, folder: Path) -> None:
    native = open_natively(folder)
    [(common, df), *_] = native.root.common
    assert (common, 5 * df > 3 * native.root.sections) == ("hom", True)
    options = {"limit": 500, "typing": typing, "lang": "en"}
    [hits] = run_lexical(folder, [{"do": "search", "text": text, "options": options}])
    expected = native.search(text, analyser_of("en"), limit=500, typing=typing)
    assert hits["total"] == expected.total >= (1 if typing else df)
    assert hits["documents"] == expected.documents.tolist()


@pytest.mark.parametrize("lang", [*SENTENCES, ""])
def test_words_of_hostile_texts_are_pythons(lang: str, small: Path) -> None:
    draw = random.Random(3)
    texts = ["".join(draw.choice(HOSTILE) for _ in range(draw.randrange(40))) for _ in range(300)]
    texts += ["".join(draw.choices([*"abcXYZ.-_:/", *NAMES, " "], k=12)) for _ in range(200)]
    texts += [sentence.replace("'", "’") for sentence in SENTENCES.get(lang, ())]
    texts += ["x" * 200, "ab-" * 60, "Straße" * 30, "中" * 130]
    analyser = analyser_of(lang)
    [answers] = run_lexical(small, [{"do": "analyse", "texts": texts, "lang": lang}])
    for text, (keys, sequence) in zip(texts, answers, strict=True):
        chunks = list(analyser.analyse(text))
        expected = [
            [
                [list(word) for word in terms.words],
                [*terms.parts],
                [*terms.wholes],
                terms.form,
                [*terms.stems],
            ]
            for terms in chunks
        ]
        assert keys == expected, text
        assert sequence == analyser.sequence_key(chunks), text


def test_cards_are_the_sections(sections: list[Section], folder: Path) -> None:
    numbers = list(range(len(sections)))
    [results] = run_lexical(folder, [{"do": "describe", "documents": numbers, "text": "", "options": {}}])
    site = folder.parent.as_uri() + "/"
    for number, section, result in zip(numbers, sections, results, strict=True):
        assert result["number"] == number
        assert result["id"] == section.id
        assert result["url"] == (site + section.url if section.url else "")
        assert result["title"] == section.title
        assert result["breadcrumb"] == list(section.breadcrumb)
        assert result["meta"] == section.meta
        assert result["filters"] == {key: list(values) for key, values in section.filters.items()}
        assert result["lang"] == section.lang
        assert result["snippet"].removesuffix(" …") in " ".join(section.text.split())


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_small(tmp_path, "Slugs eat lettuce.")


def test_describe_without_snippets_fetches_no_text(folder: Path) -> None:
    shutil.copytree(folder, folder.parent / "textless")
    for path in (folder.parent / "textless" / "index").glob("lexical-texts-*"):
        path.unlink()
    jobs = [
        {"do": "describe", "documents": [0], "text": "x", "options": {"snippets": snippets}}
        for snippets in (False, True)
    ]
    [cards], refused = run_lexical(folder.parent / "textless", jobs)
    assert cards["title"]
    assert cards["snippet"] == ""
    assert refused["error"]["code"] == "network"


def make_small(tmp_path: Path, text: str, **fields: Any) -> Path:
    section = Section(**{"id": "a", "url": "a/", "title": "Title", "text": text, "lang": "en", **fields})
    return write_lexical_folder(tmp_path / "latefind", [section])


def find_snippet(folder: Path, query: str) -> tuple[str, list[str]]:
    """Return the snippet of the only section and the parts of it that are highlighted."""
    jobs = [
        {"do": "search", "text": query},
        {"do": "describe", "documents": [0], "text": query, "options": {}},
    ]
    result = run_lexical(folder, jobs)[1][0]
    # Places are in UTF-16 code units.
    units = result["snippet"].encode("utf-16-le")
    return result["snippet"], [
        units[2 * h["start"] : 2 * h["end"]].decode("utf-16-le") for h in result["highlights"]
    ]


def test_snippet_is_where_most_of_the_query_is(tmp_path: Path) -> None:
    filler = "Nothing of interest is said here at all, for a while. " * 12
    text = f"Slugs once.\n{filler}Slugs eat lettuce 🐌 by night.\n{filler}"
    snippet, marked = find_snippet(make_small(tmp_path, text), "lettuce eaten by slugs")
    assert snippet.startswith("… Slugs eat lettuce 🐌 by night. Nothing")
    assert snippet.endswith(" …")
    assert marked[:2] == ["Slugs", "eat"] or marked[:2] == ["Slugs", "lettuce"]
    assert len(snippet) <= 240 + len("…  …")


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("Call os.path.join twice.", "os.path.join", ["os.path.join"]),
        ("Passing --no-cache and -x.", "--no-cache", ["--no-cache"]),
        ("An HTTPError is raised.", "http", ["HTTPError"]),
        ("Use a JSONDecoder here.", "json decoder", ["JSONDecoder"]),
        ("Running runs.", "run", ["Running", "runs"]),
        ("朝早く庭に水をやる。", "庭に", ["庭に"]),
        ("It says: ﬁles.", "files", ["ﬁles"]),
        ("Nothing in common.", "zebra", []),
    ],
)
def test_highlights_are_the_words_that_matched(
    text: str, query: str, marked: list[str], tmp_path: Path
) -> None:
    assert find_snippet(make_small(tmp_path, text), query)[1] == marked


def test_texts_of_hostile_pages_stay_text(tmp_path: Path) -> None:
    markup = '<img src=x onerror="alert(1)"> slugs </p><script>alert(2)</script>'
    folder = make_small(
        tmp_path, markup, title=markup, url="javascript:alert(1)", breadcrumb=(markup,), meta={"m": markup}
    )
    jobs = [
        {"do": "search", "text": "slugs"},
        {"do": "describe", "documents": [0], "text": "slugs", "options": {}},
    ]
    result = run_lexical(folder, jobs)[1][0]
    assert (result["title"], result["breadcrumb"], result["snippet"]) == (markup, [markup], markup)
    assert result["url"] == ""


def test_title_of_absurd_length_is_clipped(tmp_path: Path) -> None:
    folder = make_small(tmp_path, "x " * 30_000 + "slugs", title="🐌" * 100_000)
    jobs = [
        {"do": "search", "text": "slugs"},
        {"do": "describe", "documents": [0], "text": "slugs", "options": {}},
    ]
    hits, [result] = run_lexical(folder, jobs)
    assert hits["documents"] == [0]
    assert result["title"] == "🐌" * 250 + "…"


def test_cards_of_another_shape_are_refused(sections: list[Section], tmp_path: Path) -> None:
    folder = write_lexical_folder(tmp_path / "latefind", sections, 100)
    body = json.dumps({"title": ["<b>"], "pages": [], "page": [], "anchor": [], "tag": "en"}).encode()
    for path in (folder / "index").glob("lexical-cards-*"):
        path.write_bytes(
            gzip.compress(struct.pack("<4sHHI", b"LFLX", LEXICAL_VERSION, 4, 12 + len(body)) + body)
        )
    jobs = [{"do": "describe", "documents": [0], "text": "x", "options": {}}]
    [answer] = run_lexical(folder, jobs, crypto=False)
    assert answer["error"]["code"] == "integrity"
    assert "lexical-cards-" in answer["error"]["message"]


def test_few_files_are_fetched_at_a_time(sections: list[Section], tmp_path: Path) -> None:
    folder = write_lexical_folder(tmp_path / "latefind", sections, 100)
    numbers = list(range(len(sections)))
    jobs = [{"do": "describe", "documents": numbers, "text": "x", "options": {}}, {"do": "concurrency"}]
    results, most = run_lexical(folder, jobs)
    assert len(results) == len(numbers)
    assert 2 <= most <= 6
    assert len(list((folder / "index").iterdir())) > 12


def unzip(data: bytes) -> bytearray:
    return bytearray(gzip.decompress(data))


def flip_bit(data: bytes) -> bytes:
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


def another_version(data: bytes) -> bytes:
    plain = unzip(data)
    struct.pack_into("<H", plain, 4, 9)
    return gzip.compress(plain)


def another_kind(data: bytes) -> bytes:
    plain = unzip(data)
    struct.pack_into("<H", plain, 6, 9)
    return gzip.compress(plain)


def huge_counts(data: bytes) -> bytes:
    plain = unzip(data)
    struct.pack_into("<II", plain, 12, 2**32 - 1, 2**32 - 1)
    return gzip.compress(plain)


def endless_number(data: bytes) -> bytes:
    plain = unzip(data)
    plain[32:60] = b"\xff" * 28
    return gzip.compress(plain)


def bomb(data: bytes) -> bytes:
    return gzip.compress(bytes(80 * 2**20))


DAMAGES: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda data: b"", "integrity"),
    (lambda data: data[:-5], "integrity"),
    (lambda data: data + b"more", "integrity"),
    (lambda data: b"<!doctype html><p>Not found", "integrity"),
    (flip_bit, "integrity"),
    (another_version, "version"),
    (another_kind, "integrity"),
    (huge_counts, "integrity"),
    (endless_number, "integrity"),
    (bomb, "integrity"),
]


@pytest.mark.parametrize(("damage", "code"), DAMAGES)
@pytest.mark.parametrize("group", ["root", "terms", "words", "texts"])
def test_damaged_file_is_a_typed_error_that_names_it(
    group: str, damage: Callable[[bytes], bytes], code: str, tmp_path: Path
) -> None:
    folder = make_small(tmp_path, "Slugs eat lettuce.")
    [path] = [
        path
        for path in (folder / "index").iterdir()
        if path.name.startswith(f"lexical-{group}-") or (group == "root" and path.name.count("-") == 1)
    ]
    path.write_bytes(damage(path.read_bytes()))
    jobs = [
        {"do": "search", "text": "lettuze"},
        {"do": "describe", "documents": [0], "text": "x", "options": {}},
    ]
    answers = run_lexical(folder, jobs, crypto=False)
    errors = [answer["error"] for answer in answers if isinstance(answer, dict) and "error" in answer]
    assert errors
    assert errors[0]["code"] == code
    assert path.name in errors[0]["message"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sections", 0),
        ("sections", 1e300),
        ("levels", 256),
        ("languages", None),
        ("common", [["a"]]),
        ("facets", {}),
        ("files", {}),
        ("files", {"terms": {"first": ["b", "a"], "hash": ["0" * 16, "1" * 16]}}),
        ("files", {"terms": {"first": ["a"], "hash": ["../../../../evil"]}}),
    ],
)
def test_root_of_another_shape_is_refused(key: str, value: object, tmp_path: Path) -> None:
    folder = make_small(tmp_path, "Slugs eat lettuce.")
    [path] = [path for path in (folder / "index").iterdir() if path.name.count("-") == 1]
    fields = json.loads(unzip(path.read_bytes())[12:])
    fields[key] = value if key != "files" else fields[key] | value  # type: ignore[operator]
    if key == "files" and not value:
        del fields[key]["cards"]
    body = json.dumps(fields).encode()
    path.write_bytes(gzip.compress(struct.pack("<4sHHI", b"LFLX", LEXICAL_VERSION, 1, 12 + len(body)) + body))
    [answer] = run_lexical(folder, [{"do": "search", "text": "slugs"}], crypto=False)
    assert answer["error"]["code"] == "integrity"


def test_whole_file_of_another_index_is_refused(small: Path) -> None:
    [path] = (small / "index").glob("lexical-terms-*")
    path.write_bytes(gzip.compress(unzip(path.read_bytes()), 1))
    [answer] = run_lexical(small, [{"do": "search", "text": "slugs"}])
    assert answer["error"]["code"] == "integrity"
    assert "SHA-256" in answer["error"]["message"]


def test_file_that_a_host_unpacked_is_read(small: Path) -> None:
    for path in (small / "index").iterdir():
        path.write_bytes(unzip(path.read_bytes()))
    [hits] = run_lexical(small, [{"do": "search", "text": "slugs"}])
    assert hits["documents"] == [0]


def change_data(folder: Path, data: str) -> None:
    """Let the manifest bring ``data`` along as the root."""
    manifest = folder / "manifest.json"
    fields = json.loads(manifest.read_text("utf-8"))
    fields["parts"][0]["data"] = data
    manifest.write_text(json.dumps(fields), "utf-8")


def root_file(folder: Path) -> Path:
    [path] = [path for path in (folder / "index").iterdir() if path.name.count("-") == 1]
    return path


def test_root_in_the_manifest_is_read_without_its_file(tmp_path: Path) -> None:
    folder = write_lexical_folder(tmp_path / "latefind", make_sections(), brings_root=True)
    root_file(folder).unlink()
    hits, requests = run_lexical(folder, [{"do": "search", "text": "Hefe"}, {"do": "requests"}])
    assert hits["total"] > 0
    assert [name.split("-")[1] for name in requests] == ["terms"]


@pytest.mark.parametrize("data", ["no base64!", "H4sIAAAA", "bm8gZ3ppcA=="])
def test_file_of_the_root_is_read_where_the_manifest_has_it_damaged(data: str, small: Path) -> None:
    change_data(small, data)
    [hits] = run_lexical(small, [{"do": "search", "text": "slugs"}])
    assert hits["documents"] == [0]


def test_root_of_another_version_in_the_manifest_is_refused(small: Path) -> None:
    change_data(small, base64.b64encode(another_version(root_file(small).read_bytes())).decode())
    [answer] = run_lexical(small, [{"do": "search", "text": "slugs"}])
    assert answer["error"]["code"] == "version"


def test_folder_without_word_index_says_so(tmp_path: Path) -> None:
    folder = make_small(tmp_path, "Slugs eat lettuce.")
    (folder / "manifest.json").write_text(json.dumps({"base": "../", "parts": []}))
    [answer] = run_lexical(folder, [{"do": "search", "text": "slugs"}])
    assert answer["error"]["code"] == "lexical-unavailable"

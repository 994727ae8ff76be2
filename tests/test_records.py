import json
from pathlib import Path

import pytest

from latefind.errors import InputError, UsageError
from latefind.passages import Section
from latefind_build.records import read_records


def records(folder: Path, *lines: object) -> list[Section]:
    """Read a file of ``lines``: bytes and strings as they are, anything else as JSON."""
    data = [
        line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
        for line in lines
    ]
    path = folder / "r.jsonl"
    path.write_bytes(b"\n".join(data))
    return list(read_records(path))


def test_records_read_every_field(tmp_path):
    full = {
        "id": "a",
        "text": "one\ntwo",
        "title": "T",
        "url": "x.html#y",
        "lang": "de",
        "meta": {"n": 1},
        "filters": {"kind": ["q", "r"], "year": "2024"},
    }
    assert records(tmp_path, full) == [
        Section(
            id="a",
            url="x.html#y",
            title="T",
            text="one\ntwo",
            lang="de",
            meta={"n": 1},
            filters={"kind": ("q", "r"), "year": ("2024",)},
        )
    ]


def test_records_accept_beir(tmp_path):
    line = {"_id": "4983", "title": "", "text": "body", "metadata": {}}
    assert records(tmp_path, line) == [Section(id="4983", url="", title="", text="body")]


def test_records_take_null_as_absent(tmp_path):
    line = {"id": "a", "text": "", "title": None, "url": None, "lang": None, "meta": None, "filters": None}
    assert records(tmp_path, line) == [Section(id="a", url="", title="", text="")]


def test_records_skip_blank_lines_and_a_bom(tmp_path):
    found = records(
        tmp_path, b'\xef\xbb\xbf{"id": "a", "text": "x"}\r', "", "  ", {"id": "b", "text": "y"}, ""
    )
    assert [section.id for section in found] == ["a", "b"]


def test_records_do_not_break_lines_at_unicode_separators(tmp_path):
    [section] = records(tmp_path, '{"id": "a", "text": "x\u2028y\x85z"}')
    assert section.text == "x\u2028y\x85z"


def test_records_stream(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"id": "a", "text": "x"}\nnot JSON\n')
    assert next(read_records(path)).id == "a"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            b'{"id": "a", "text": "\xe9"}',
            "expected UTF-8, got byte 0xe9 at offset 21. Save the file as UTF-8.",
        ),
        ("{", "expected a JSON object, got Expecting property name enclosed in double quotes at column 2."),
        ("[1]", "expected a JSON object, got a list. Write one object a line."),
        ("null", "expected a JSON object, got null."),
        ("[" * 100_000, "expected a JSON object, got "),
        (
            '{"id": "a", "text": "x", "meta": {"n": NaN}}',
            "expected a JSON object, got NaN, which is not JSON.",
        ),
        ({"text": "x"}, 'id: expected a string, got none. Add a "id" to the record.'),
        ({"id": "a"}, "text: expected a string, got none."),
        ({"id": "a", "text": None}, "text: expected a string, got null."),
        ({"id": "", "text": "x"}, "id: expected a string, got an empty one."),
        ({"id": 7, "text": "x"}, "id: expected a string, got a number. Correct the record."),
        ({"_id": 7, "text": "x"}, "_id: expected a string, got a number."),
        ({"id": "a", "text": ["x"]}, "text: expected a string, got a list."),
        ({"id": "a", "text": "x", "title": True}, "title: expected a string, got true or false."),
        ({"id": "a", "text": "x", "url": {}}, "url: expected a string, got an object."),
        ({"id": "a", "text": "x", "meta": []}, "meta: expected an object, got a list."),
        ({"id": "a", "text": "x", "filters": "y"}, "filters: expected an object, got a string."),
        (
            {"id": "a", "text": "x", "filters": {"f": 1}},
            "filters.f: expected a string or a list of strings, got a number.",
        ),
        (
            {"id": "a", "text": "x", "filters": {"f": ["b", None]}},
            "filters.f: expected a string or a list of strings, got a list with null.",
        ),
        ('{"id": "a", "text": "\\ud800"}', "text: expected Unicode text, got the lone surrogate \\ud800."),
        (
            '{"id": "a", "text": "x", "meta": {"m": "\\udfff"}}',
            "meta: expected Unicode text, got the lone surrogate \\udfff.",
        ),
    ],
)
def test_records_reject_a_bad_line_and_name_it(tmp_path, line, message):
    with pytest.raises(InputError) as caught:
        records(tmp_path, {"id": "first", "text": "x"}, "", line)
    assert str(caught.value).startswith(f"{tmp_path}/r.jsonl, line 3: {message}")


def test_records_reject_a_duplicate_id_and_name_both_lines(tmp_path):
    with pytest.raises(InputError) as caught:
        records(tmp_path, {"id": "a", "text": "x"}, "", {"id": "b", "text": "x"}, {"_id": "a", "text": "y"})
    assert str(caught.value) == (
        f"{tmp_path}/r.jsonl, line 4: expected an id of its own, got 'a' as in line 1. "
        "Remove or rename one of them."
    )


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_records_reject_an_empty_file(tmp_path, content):
    with pytest.raises(InputError, match=r"r\.jsonl: expected at least one record, got an empty file\."):
        records(tmp_path, content)


def test_records_reject_a_missing_file(tmp_path):
    with pytest.raises(
        UsageError, match=r"gone\.jsonl: expected a file of JSON records, one a line, got nothing"
    ):
        read_records(tmp_path / "gone.jsonl")


def test_records_reject_a_folder(tmp_path):
    with pytest.raises(UsageError, match="got a folder"):
        read_records(tmp_path)

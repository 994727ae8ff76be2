"""Records: one JSON object a line, each a result of its own.

``{"id": str, "text": str, "title"?: str, "url"?: str, "lang"?: str, "meta"?: {}, "filters"?: {}}``. BEIR's
``_id`` is read as ``id``; ``null`` is the same as leaving an optional key out; other keys are ignored, since
BEIR files have them. The file is streamed: only the ids are held, to find duplicates.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from latefind.errors import InputError, LatefindError, UsageError
from latefind.passages import Section

_BOM = b"\xef\xbb\xbf"
_JSON_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (str, "a string"),
    (int, "a number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "an object"),
)


def read_records(path: Path) -> Iterator[Section]:
    """Yield a section for each record of ``path``, in order.

    Raises
    ------
    UsageError
        ``path`` is missing or cannot be read.
    InputError
        A line is not a record, or an id occurs twice, or there is no record; the message names the line.
    """
    if not path.is_file():
        got = "a folder" if path.is_dir() else "nothing"
        raise UsageError.expected(path, "a file of JSON records, one a line", got, "Check the path.")
    return _read_lines(path)


def _read_lines(path: Path) -> Iterator[Section]:
    lines_of: dict[str, int] = {}
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError.expected(path, "a readable file", error.strerror or str(error)) from error
    with file:
        for number, line in enumerate(file, start=1):
            if number == 1:
                line = line.removeprefix(_BOM)
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            section = _read_record(_parse(line, where), where)
            first = lines_of.setdefault(section.id, number)
            if first != number:
                raise InputError.expected(
                    where,
                    "an id of its own",
                    f"{section.id!r} as in line {first}",
                    "Remove or rename one of them.",
                )
            yield section
    if not lines_of:
        raise InputError.expected(
            path, "at least one record", "an empty file", 'Write one {"id": …, "text": …} a line.'
        )


def _parse(line: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        got = f"byte {line[error.start]:#04x} at offset {error.start}"
        raise InputError.expected(where, "UTF-8", got, "Save the file as UTF-8.") from error
    except json.JSONDecodeError as error:
        got = f"{error.msg} at column {error.colno}"
        raise InputError.expected(where, "a JSON object", got, "Write one object a line.") from error
    except (ValueError, RecursionError) as error:
        raise InputError.expected(where, "a JSON object", str(error), "Correct the line.") from error
    if not isinstance(value, dict):
        raise InputError.expected(where, "a JSON object", _name_type(value), "Write one object a line.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    # Python would read and write NaN and Infinity; JavaScript's JSON.parse would not.
    raise ValueError(f"{name}, which is not JSON")


def _read_record(record: Mapping[str, Any], where: str) -> Section:
    id_key = "id" if "id" in record or "_id" not in record else "_id"
    return Section(
        id=_text(record, id_key, where, required=True),
        url=_text(record, "url", where),
        title=_text(record, "title", where),
        text=_text(record, "text", where, required=True, may_be_empty=True),
        lang=_text(record, "lang", where),
        meta=_mapping(record, "meta", where),
        filters=_filters(record, where),
    )


def _text(
    record: Mapping[str, Any], key: str, where: str, *, required: bool = False, may_be_empty: bool = False
) -> str:
    value = record.get(key)
    if value is None:
        if required:
            got = "null" if key in record else "none"
            raise InputError.expected(f"{where}: {key}", "a string", got, f'Add a "{key}" to the record.')
        return ""
    if not isinstance(value, str):
        raise _wrong(where, key, "a string", value)
    if required and not may_be_empty and not value:
        raise InputError.expected(f"{where}: {key}", "a string", "an empty one", "Give the record an id.")
    _check_unicode(value, f"{where}: {key}")
    return value


def _mapping(record: Mapping[str, Any], key: str, where: str) -> Mapping[str, object]:
    value = record.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(where, key, "an object", value)
    _check_unicode(json.dumps(value, ensure_ascii=False), f"{where}: {key}")
    return value


def _filters(record: Mapping[str, Any], where: str) -> dict[str, tuple[str, ...]]:
    filters: dict[str, tuple[str, ...]] = {}
    for key, value in _mapping(record, "filters", where).items():
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            raise _wrong(where, f"filters.{key}", "a string or a list of strings", value)
        filters[key] = tuple(values)
    return filters


def _check_unicode(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        got = f"the lone surrogate \\u{ord(text[error.start]):04x}"
        raise InputError.expected(where, "Unicode text", got, "Escape the pair, or remove it.") from error


def _wrong(where: str, key: str, expected: str, value: object) -> LatefindError:
    got = _name_type(value)
    if isinstance(value, list) and expected.endswith("strings"):
        got = "a list with " + next(_name_type(item) for item in value if not isinstance(item, str))
    return InputError.expected(f"{where}: {key}", expected, got, "Correct the record.")


def _name_type(value: object) -> str:
    if value is None:
        return "null"
    return next(name for kind, name in _JSON_TYPES if isinstance(value, kind))

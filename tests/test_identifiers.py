"""Exact identifiers find their own entry first: a hundred of a real API reference, Python's and our own."""

import argparse
import importlib
import inspect
import json
from collections import Counter
from collections.abc import Iterator

import pytest

from latefind_build.cli import main, make_parser
from latefind_build.native import NativeSearch

MODULES = (
    "os os.path re json csv shutil tempfile subprocess urllib.error urllib.parse urllib.request http.client "
    "http.server argparse collections itertools functools random datetime statistics string textwrap zipfile"
)
LANGUAGES = {
    "C": "A procedural language close to the machine.",
    "C++": "Classes and templates on top of C.",
    "C#": "A language for .NET with garbage collection.",
    "F#": "A functional language for .NET.",
    ".NET": "A runtime with a common type system.",
    "Objective-C": "Messages between objects, on top of C.",
}
QUERIES = 100
WORDS = 60


def read_entries() -> Iterator[tuple[str, str, str]]:
    """Yield name, title and text of every entry: functions and classes, options of our command, languages."""
    seen: set[int] = set()
    for module in map(importlib.import_module, MODULES.split()):
        for name, member in vars(module).items():
            public = inspect.isroutine(member) or inspect.isclass(member)
            if name.startswith("_") or not public or not member.__doc__ or id(member) in seen:
                continue
            seen.add(id(member))
            full = f"{module.__name__.replace('posixpath', 'os.path')}.{name}"
            text = " ".join(member.__doc__.split()[:WORDS])
            yield full, f"{full}{signature_of(member)}", text
    for parser in parsers():
        for action in parser._actions:
            for option in action.option_strings:
                yield option, ", ".join(action.option_strings), f"{parser.prog}: {action.help}"
    for name, text in LANGUAGES.items():
        yield name, name, text


def signature_of(member: object) -> str:
    try:
        return str(inspect.signature(member))[:80]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "()"


def parsers() -> list[argparse.ArgumentParser]:
    actions = make_parser()._actions
    [commands] = [action for action in actions if isinstance(action, argparse._SubParsersAction)]
    return list(commands.choices.values())


def short(name: str) -> str:
    return name if name.startswith(("-", ".")) else name.rsplit(".", 1)[-1]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[NativeSearch, dict[str, str]]:
    """The reference's index, and a hundred names with their entries: whole, or short where that is clear."""
    folder = tmp_path_factory.mktemp("reference")
    entries = {name: (title, text) for name, title, text in read_entries()}
    rows = [{"id": name, "title": title, "text": text} for name, (title, text) in entries.items()]
    (folder / "records.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    options = ["--records", str(folder / "records.jsonl"), "--output", str(folder / "index")]
    assert main(["build", *options]) == 0
    times = Counter(short(name).lower() for name in entries)
    clear = {short(name): name for name in entries if times[short(name).lower()] == 1}
    names = {name: name for name in entries} | clear
    certain = {name: names[name] for name in ("os.path.join", "--no-cache", "HTTPError", "C++", "C#", "C")}
    others = sorted(names)
    step = len(others) / (QUERIES - len(certain))
    chosen = [others[int(number * step)] for number in range(QUERIES - len(certain))]
    return NativeSearch(folder / "index"), certain | {name: names[name] for name in chosen}


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
def test_identifier_finds_its_own_entry_first(
    reference: tuple[NativeSearch, dict[str, str]], mode: str
) -> None:
    native, names = reference
    found = {name: native.answer(name, 1, mode=mode) for name in names}
    wrong = [name for name in names if [r.section.id for r in found[name]] != [names[name]]]
    assert len(wrong) <= 0.05 * len(names), wrong
    assert not {"os.path.join", "--no-cache", "HTTPError", "C++"}.intersection(wrong)

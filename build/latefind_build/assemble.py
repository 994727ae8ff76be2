"""The bundle that a site gets: ``SITE_DIR/latefind/`` with page modules, runtime, model, index, manifest.

The folder appears whole or not at all. Files that the browser may keep for ever carry a hash in their
name or, where Pyodide and onnxruntime insist on theirs, in the folder's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

import latefind
from latefind.errors import UsageError
from latefind.manifest import Manifest, Part
from latefind.passages import Section
from latefind_build import model_file
from latefind_build.browser_python import ARCHIVE, visitor_files
from latefind_build.bundle import ModelBundle
from latefind_build.files import (
    HASH_LENGTH,
    digest_files,
    hashed_name,
    place_part,
    replaced_folder,
    write_part,
)
from latefind_build.index import MOST_IN_MANIFEST, Index, IndexOptions, build_index
from latefind_build.modules import Code, fixed_names, read_code, strip_jsdoc
from latefind_build.pages import MOST_INLINE, list_pages, texts_for
from latefind_build.passage_source import Source
from latefind_build.paths import web_dir
from latefind_build.runtime import packed_runtime

MARKER = "manifest.json"
_SERVICE_WORKER = "sw-*.js"
_PAGE_FILES = {"search": "index.html"}


def build_bundle(
    source: Source,
    target: Path,
    bundle: ModelBundle,
    base: str,
    options: IndexOptions,
    complete: Callable[[Path], None] | None = None,
    *,
    stored: bool = False,
) -> Manifest:
    """Index ``source`` and write the whole bundle to ``target``, replacing an earlier one.

    ``base`` is the prefix of the results' URLs; see :class:`latefind.manifest.Manifest`. ``complete`` is
    called with the temporary folder when everything else is in it. ``stored`` leaves the runtime's archives
    uncompressed, for hosts that send compressed siblings of them.
    """
    runtime_folder, code = packed_runtime(), read_code()
    with replaced_folder(target, MARKER) as work:
        index = build_index(source.sections, bundle, work, options)
        pyodide, pyodide_parts = _place_folder(work, "pyodide", visitor_files(runtime_folder, stored=stored))
        ort, ort_parts = _place_folder(work, "onnxruntime", _read_folder(runtime_folder / "onnxruntime"))
        manifest = Manifest(
            generator=f"latefind {latefind.__version__}",
            base=base,
            languages=index.languages or bundle.spec.languages,
            tier=index.tier,
            model={
                "name": bundle.spec.name,
                "license": bundle.spec.license,
                "dimensions": bundle.spec.dimensions,
            },
            counts=_counts(source, index),
            runtime={"pyodide": pyodide, "onnxruntime": ort, "packages": ["numpy", "latefind"]},
            parts=[*pyodide_parts, *ort_parts, *_place_model(work, bundle), *index.parts],
        )
        data = manifest.to_bytes()
        edition = edition_name(data)
        for name in (MARKER, edition):
            (work / name).write_bytes(data)
        _place_code(work, code)
        _place_pages(work, manifest, edition, source.sections, code)
        if complete:
            complete(work)
    return manifest


def edition_name(manifest: bytes) -> str:
    """Return where the copy of a manifest is whose name carries its hash.

    Pages that are made with the index name it, so that browsers need not ask whether it is still the same.
    """
    return hashed_name(f"index/{MARKER}", manifest)


def _counts(source: Source, index: Index) -> Mapping[str, int]:
    return {
        "pages": source.pages,
        "sections": index.sections,
        "passages": index.passages,
        "vectors": index.vectors,
    }


def _read_folder(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _place_folder(work: Path, role: str, files: Mapping[str, bytes]) -> tuple[str, list[Part]]:
    """Write files that must keep their names into ``runtime/<role>-<hash>/``."""
    folder = f"runtime/{role}-{digest_files(files)[:HASH_LENGTH]}/"
    parts = [
        place_part(work, "package" if name.startswith(f"{ARCHIVE}.") else role, folder + name, data)
        for name, data in sorted(files.items())
    ]
    return folder, parts


def _place_model(work: Path, bundle: ModelBundle) -> list[Part]:
    return [
        write_part(work, "encoder", model_file.NAME, model_file.pack_model(bundle.onnx.read_bytes())),
        write_part(work, "tokenizer", "model/tokenizer.json", bundle.tokenizer.read_bytes()),
        _place_settings(work, bundle),
    ]


def _place_settings(work: Path, bundle: ModelBundle) -> Part:
    """Write the model's settings; the manifest brings them along, unless they are larger than any were."""
    part = write_part(work, "settings", "model/latefind.json", bundle.settings)
    return replace(part, data=bundle.settings) if part.size <= MOST_IN_MANIFEST else part


def _place_code(work: Path, code: Code) -> None:
    """Write the page's modules with what belongs to them, and what leads there from the fixed names."""
    for name, data in code.files.items():
        target = work / code.address(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for name, line in fixed_names(code).items():
        (work / name).write_text(line, "utf-8", newline="\n")
    for path in sorted(web_dir().glob(_SERVICE_WORKER)):
        (work / path.name).write_text(strip_jsdoc(path.read_text("utf-8")), "utf-8", newline="\n")


def _place_pages(
    work: Path, manifest: Manifest, edition: str, sections: Sequence[Section], code: Code
) -> None:
    """Render the plain search page, the list of all pages for who has no JavaScript, and the offline page."""
    templates = Environment(
        loader=FileSystemLoader(web_dir() / "templates"),
        autoescape=select_autoescape(),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    lang = _language(manifest.languages)
    texts_lang, texts = texts_for(lang)
    pages = list_pages(sections, manifest.base)
    shown = {"search": pages[:MOST_INLINE], "pages": pages, "offline": []}
    shared = {
        "lang": lang,
        "texts": texts,
        "texts_lang": texts_lang,
        "code": code.folder,
        "modules": code.answering(texts_lang),
        "edition": edition,
    }
    for name, listed in shown.items():
        html = templates.get_template(f"{name}.html").render(shared, pages=listed)
        (work / _PAGE_FILES.get(name, f"{name}.html")).write_text(html, "utf-8")


def _language(languages: Sequence[str]) -> str:
    return languages[0] if len(languages) == 1 else "en"


def target_below(site_dir: Path, output_subdir: str) -> Path:
    """Return the bundle's folder of a site; refuse one that would be the site itself or lie outside it."""
    target = (site_dir / output_subdir).resolve()
    if not output_subdir.strip("/.") or site_dir.resolve() not in target.parents:
        raise UsageError.expected(
            "--output-subdir", "a folder below the site", repr(output_subdir), "For example: latefind"
        )
    return target

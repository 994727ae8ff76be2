"""The bundle that a site gets: ``SITE_DIR/latefind/`` with page modules, runtime, model, index, manifest.

The folder appears whole or not at all. Files that the browser may keep for ever carry a hash in their
name or, where Pyodide and onnxruntime insist on theirs, in the folder's.
"""

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

import latefind
from latefind.errors import UsageError
from latefind.manifest import Manifest, Part
from latefind.passages import Section
from latefind_build import model_file
from latefind_build.browser_python import ARCHIVE, visitor_files
from latefind_build.bundle import ModelBundle
from latefind_build.files import HASH_LENGTH, place_part, replaced_folder, write_part
from latefind_build.index import Index, IndexOptions, build_index
from latefind_build.modules import answer_modules, publish_module, shell_modules
from latefind_build.pages import MOST_INLINE, list_pages, texts_for
from latefind_build.passage_source import Source
from latefind_build.paths import web_dir
from latefind_build.runtime import packed_runtime

MARKER = "manifest.json"
WEB_SUFFIXES = (".js", ".css")
WEB_FOLDERS = ("strings", "ui")
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
    runtime_folder = packed_runtime()
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
        _place_web(work, runtime_folder / "stem")
        _place_pages(work, manifest, source.sections)
        (work / MARKER).write_bytes(manifest.to_bytes())
        if complete:
            complete(work)
    return manifest


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
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    folder = f"runtime/{role}-{digest.hexdigest()[:HASH_LENGTH]}/"
    parts = [
        place_part(work, "package" if name.startswith(f"{ARCHIVE}.") else role, folder + name, data)
        for name, data in sorted(files.items())
    ]
    return folder, parts


def _place_model(work: Path, bundle: ModelBundle) -> list[Part]:
    return [
        write_part(work, "encoder", model_file.NAME, model_file.pack_model(bundle.onnx.read_bytes())),
        write_part(work, "tokenizer", "model/tokenizer.json", bundle.tokenizer.read_bytes()),
        write_part(work, "settings", "model/latefind.json", bundle.settings),
    ]


def _place_web(work: Path, stemmers: Path) -> None:
    """Copy the page's modules, stemmers and styles."""
    web = web_dir()
    shutil.copytree(stemmers, work / "stem")
    for folder in (web, *(web / name for name in WEB_FOLDERS)):
        for path in sorted(folder.glob("*")):
            if path.suffix in WEB_SUFFIXES:
                target = work / path.relative_to(web)
                target.parent.mkdir(exist_ok=True)
                if path.suffix == ".js":
                    text = publish_module(web, path.relative_to(web).as_posix())
                    target.write_text(text, "utf-8", newline="\n")
                else:
                    target.write_bytes(path.read_bytes())


def _place_pages(work: Path, manifest: Manifest, sections: Sequence[Section]) -> None:
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
    modules = [*shell_modules(web_dir()), *answer_modules(web_dir(), texts_lang)]
    for name, listed in shown.items():
        page = templates.get_template(f"{name}.html")
        html = page.render(lang=lang, texts=texts, texts_lang=texts_lang, pages=listed, modules=modules)
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

"""Refuse checkpoints that bring code of their own, unless the user trusts it.

Transformers runs what ``auto_map`` names, sentence-transformers what ``modules.json`` names. The first can be
allowed; the second never becomes part of our graph, so it is refused in any case.
"""

from collections.abc import Iterator
from pathlib import Path

from latefind.errors import ModelError
from latefind_export.layout_files import Config, read_modules

OWN_MODULES = ("sentence_transformers.", "pylate.")
"""Packages whose module classes we know; any other is code of the checkpoint's author."""

READ_IT = "Read that code; if you trust it, use --trust-remote-code."


def check_custom_code(folder: Path, trusted: bool) -> None:
    """Check that the checkpoint in ``folder`` needs no code of its own that the user did not allow.

    Raises
    ------
    ModelError
        It does; or the code is in another repository, where it is not pinned; or it is a module of its own.
    """
    folders = [folder]
    if (folder / "modules.json").is_file():
        for module in read_modules(folder):
            folders.append(module.folder)
            if not module.kind.startswith(OWN_MODULES):
                raise ModelError.expected(
                    folder / "modules.json",
                    "modules of sentence-transformers or PyLate",
                    f"custom code ({module.kind})",
                    "Such a module cannot be put into the graph: choose another checkpoint.",
                )
    for where, code in _named_code(folders):
        if not trusted:
            raise ModelError.expected(
                where, "a checkpoint without code of its own", f"custom code ({code})", READ_IT
            )
        if "--" in code:
            raise ModelError.expected(
                where,
                "code that lies beside the checkpoint, in the same commit",
                code,
                "Copy that code into the checkpoint's folder and name it there.",
            )


def _named_code(folders: list[Path]) -> Iterator[tuple[str, str]]:
    for folder in dict.fromkeys(folders):
        for name in ("config.json", "tokenizer_config.json"):
            classes = Config.read(folder / name, optional=True).raw("auto_map")
            if classes:
                names = classes.values() if isinstance(classes, dict) else [classes]
                yield from ((f"{folder / name}: auto_map", str(code)) for code in names)

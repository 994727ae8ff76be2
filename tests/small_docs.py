"""Two Markdown pages for tests of `latefind site`, and what adds others."""

from pathlib import Path


def write_docs(folder: Path) -> Path:
    """Write the two pages, which link to each other, into a new folder, and return it."""
    folder.mkdir()
    (folder / "index.md").write_text("# Welcome\n\n[Guide](guide.md#use)\n")
    (folder / "guide.md").write_text(
        "---\ntitle: Guide\ndescription: How to.\n---\n\n## Use\n\n[home](index.md)\n"
    )
    return folder


def write(folder: Path, **files: str) -> None:
    """Write files by name; `__` stands for a slash and `_md` for the suffix."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/").removesuffix("_md") + ".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

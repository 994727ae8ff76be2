"""Sections of ``docs/benchmarks.md`` with a benchmark of their own, which replaces them and no others."""

import re
from pathlib import Path

VISIT = "## A visit {#visit}"
START = "## Start {#start}"
OWN = (VISIT, START)
"""Headings in the order in which they stand at the end of the page."""


def section_of(page: str, heading: str) -> str:
    """Return the section as it stands in the page; empty where there is none."""
    found = _pattern(heading).search(page)
    return found[0].strip() if found else ""


def with_sections(page: str, sections: dict[str, str]) -> str:
    """Return the page with ``sections`` in place of earlier ones, at its end with others of :data:`OWN`."""
    ends = {heading: sections.get(heading, section_of(page, heading)) for heading in OWN}
    for heading in OWN:
        page = _pattern(heading).sub("", page)
    return "\n\n".join([page.strip(), *(end.strip() for end in ends.values() if end)]) + "\n"


def put_section(path: Path, heading: str, section: str) -> None:
    """Write the section into the page, in place of an earlier one."""
    path.write_text(with_sections(path.read_text("utf-8"), {heading: section}), "utf-8")


def kept_sections(path: Path) -> dict[str, str]:
    """Return the sections that the page has from other benchmarks, by heading."""
    page = path.read_text("utf-8") if path.is_file() else ""
    return {heading: section_of(page, heading) for heading in OWN}


def _pattern(heading: str) -> re.Pattern[str]:
    return re.compile(rf"\n*{re.escape(heading)}\n.*?(?=\n## |\Z)", re.DOTALL)

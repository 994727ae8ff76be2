"""Each benchmark replaces its own section of the page and keeps those of the others."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "bench"))

from sections import START, VISIT, kept_sections, put_section, with_sections

PAGE = "# Benchmarks\n\n## Size {#size}\n\nsmall\n"


def test_put_section_replaces_its_own_and_keeps_the_others(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(PAGE, "utf-8")
    put_section(page, START, f"{START}\n\nfirst\n\n### Part\n\nof it\n")
    put_section(page, VISIT, f"{VISIT}\n\nvisited\n")
    put_section(page, START, f"{START}\n\nsecond\n\n### Part\n\nof it\n")
    assert (
        page.read_text("utf-8") == f"{PAGE}\n{VISIT}\n\nvisited\n\n{START}\n\nsecond\n\n### Part\n\nof it\n"
    )


def test_a_page_written_anew_keeps_sections_of_other_benchmarks(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"{PAGE}\n{VISIT}\n\nvisited\n\n{START}\n\nstarted\n", "utf-8")
    anew = "# Benchmarks\n\n## Size {#size}\n\nlarge\n"
    assert with_sections(anew, kept_sections(page)) == f"{anew}\n{VISIT}\n\nvisited\n\n{START}\n\nstarted\n"


def test_a_page_that_is_missing_has_no_sections_to_keep(tmp_path: Path) -> None:
    assert with_sections(PAGE, kept_sections(tmp_path / "none.md")) == PAGE

"""Where sections come from: a built site's HTML, or a file of records."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from latefind.errors import InputError
from latefind.passages import Section
from latefind_build.crawl import CrawlOptions, crawl_site
from latefind_build.records import read_records
from latefind_build.sections import split_sections


@dataclass(frozen=True, slots=True)
class Source:
    """Everything to be indexed, in order, and from how many pages it came (0 for records)."""

    sections: Sequence[Section]
    pages: int


def read_site(site_dir: Path, options: CrawlOptions) -> Source:
    """Read the sections of every page of a built site.

    Raises
    ------
    UsageError, InputError
        There is no such folder, no page in it, or no text on any page.
    """
    sections: list[Section] = []
    pages = 0
    for page in crawl_site(site_dir, options):
        found = split_sections(page)
        sections += found
        pages += bool(found)
    if not sections:
        raise InputError.expected(
            site_dir, "pages with text in <main>, <article> or <body>", "none", "Is the site built?"
        )
    return Source(sections, pages)


def read_record_file(path: Path) -> Source:
    """Read every record of a JSON Lines file as one section."""
    return Source(list(read_records(path)), 0)

"""A page's main content, split into sections at the headings that can be linked to.

Two steps. *Reading* walks the tree once and gives a flat list of blocks of text and headings. *Splitting*
gives each heading the anchor that leads to it, opens a section there, and puts everything else into the
section that is open. So no visible text is lost and none is doubled: the text of a heading without an
anchor stays in the section before it.

A heading's anchor is, in this order: its own id; the id of the section or wrapper that it opens; an id or
``<a name>`` inside it; an empty anchor just before it. An anchor leads to one place, so a heading whose
anchors are all taken is treated as one without.

A term with an id in a definition list, as API references and glossaries have them, opens a section too:
whoever asks for a function wants its entry, not the top of a page of seventy. Terms that share a
definition share a section, and what follows the list belongs to the section around it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from latefind.passages import Section
from latefind_build.crawl import Page
from latefind_build.dom import parse_html
from latefind_build.reader import DEFINITION_LEVEL, Container, Heading, Item, ListEnd, read_items

MAX_TITLE = 200
"""Characters of a title. What is longer is a paragraph marked as a heading: it also stays in the text."""

ANCHOR_SAFE = "/?:@!$&'()*+,;=~"


@dataclass(slots=True)
class _Draft:
    """A section that is being filled."""

    level: int
    title: str
    anchor: str
    breadcrumb: tuple[str, ...]
    blocks: list[str] = field(default_factory=list)
    takes_terms: bool = False
    """Whether a definition is still to come, so that the next term shares it."""


def split_sections(page: Page) -> list[Section]:
    """Return the sections of ``page`` in reading order; empty where the page has no content.

    The first section is the page itself: its URL has no anchor, its title is that of the page, and its text
    is what comes before the first heading with an anchor, the leading h1 aside.
    """
    items = read_items(parse_html(page.html))
    title = _page_title(page, items)
    drafts = _split(items, title)
    return [_finish(draft, page) for draft in drafts]


def _page_title(page: Page, items: Sequence[Item]) -> str:
    """Return what Pagefind's ``title`` says, else the first h1, else ``<title>``."""
    explicit = page.meta.get("title")
    if isinstance(explicit, str) and explicit:
        return explicit
    headings = (item.title for item in items if isinstance(item, Heading) and item.level == 1)
    return next(headings, page.title)


def _split(items: Sequence[Item], page_title: str) -> list[_Draft]:
    """Distribute ``items`` over sections and drop those that say nothing."""
    top = _Draft(0, _cut_title(page_title), "", ())
    drafts = [top]
    current = top
    open_headings: list[_Draft] = []
    used: set[str] = set()
    has_h1 = False
    for item in items:
        if isinstance(item, str):
            current.blocks.append(item)
            current.takes_terms = False
        elif isinstance(item, ListEnd):
            _close(open_headings, item.level)
            if current.level >= item.level:
                around = open_headings[-1] if open_headings else top
                if current.takes_terms:
                    # No definition: the signature announces what follows the list.
                    drafts.remove(current)
                    around.blocks += [current.title, *current.blocks]
                current = around
        elif item.level == 1 and len(drafts) == 1 and not has_h1:
            has_h1 = True
            used.update(_anchors(item)[:1])
            if item.title != top.title:
                top.blocks.append(item.title)
        elif current.takes_terms and item.level == current.level:
            current.blocks.append(item.title)
        else:
            _close(open_headings, item.level)
            anchor = next((anchor for anchor in _anchors(item) if anchor not in used), "")
            if not anchor:
                current.blocks.append(item.title)
                continue
            used.add(anchor)
            current = _open(item, anchor, [top, *open_headings])
            open_headings.append(current)
            drafts.append(current)
    return _drop_empty(drafts, has_h1)


def _close(open_headings: list[_Draft], level: int) -> None:
    """Close the sections that a heading of ``level`` ends."""
    while open_headings and open_headings[-1].level >= level:
        open_headings.pop()


def _open(heading: Heading, anchor: str, around: Sequence[_Draft]) -> _Draft:
    title = _cut_title(heading.title)
    breadcrumb = tuple(draft.title for draft in around if draft.title and draft.title != title)
    blocks = [] if title == heading.title else [heading.title]
    return _Draft(heading.level, title, anchor, breadcrumb, blocks, heading.level >= DEFINITION_LEVEL)


def _cut_title(title: str) -> str:
    if len(title) <= MAX_TITLE:
        return title
    return title[: MAX_TITLE - 1].rsplit(" ", 1)[0] + "…"


def _drop_empty(drafts: Sequence[_Draft], has_h1: bool) -> list[_Draft]:
    """Drop sections without text that only hold others: their title is in the breadcrumb of those.

    A heading alone, with no section below it, is an answer of its own: a question in a list of them. The
    page itself stays where it has an h1.
    """
    kept = []
    for draft, following in zip(drafts, [*drafts[1:], None], strict=True):
        if draft.level == 0:
            keep = bool(draft.blocks) or (has_h1 and bool(draft.title))
        else:
            keep = bool(draft.blocks) or following is None or following.level <= draft.level
        if keep:
            kept.append(draft)
    return kept


def _finish(draft: _Draft, page: Page) -> Section:
    url = f"{page.url}#{quote(draft.anchor, safe=ANCHOR_SAFE)}" if draft.anchor else page.url
    return Section(
        id=url,
        url=url,
        title=draft.title,
        text="\n".join(draft.blocks),
        breadcrumb=draft.breadcrumb,
        lang=page.lang,
        meta=page.meta,
        filters=page.filters,
    )


def _anchors(heading: Heading) -> list[str]:
    """Return the anchors that lead to ``heading``, best first."""
    opened = [
        container.anchor
        for container, is_first in heading.containers
        if is_first and (container.tag == "section" or _is_outline(container))
    ]
    return [anchor for anchor in (heading.own, *opened, *heading.near) if anchor]


def _is_outline(container: Container) -> bool:
    """Return whether a wrapper holds one heading and what is below it, not a row of equal headings."""
    return all(level > container.levels[0] for level in container.levels[1:])

"""Reading a page: one walk over its main content, which gives a flat list of blocks, headings and terms."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from selectolax.lexbor import LexborHTMLParser, LexborNode

from latefind_build.dom import (
    HEADINGS,
    Attributes,
    ancestors,
    children,
    collapse,
    inline_text,
    is_invisible,
    words,
)

MAIN_SELECTORS = ("[data-pagefind-body]", "main, [role=main]", "article")
"""Where the main content is, best first; all matches of the first that matches count."""

_BLOCK_TAGS = words(
    "address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset"
    " figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li listing main menu ol p pre"
    " section summary table tbody tfoot thead tr ul xmp"
)
_CELL_TAGS = frozenset(("td", "th"))
_SOFT_IN_ROW = frozenset(("address", "br", "center", "div", "figure", "hr", "p"))
"""Blocks that only separate words inside a table row, which is one block itself."""

_PRE_TAGS = frozenset(("listing", "pre", "xmp"))
_CONTAINER_TAGS = frozenset(("article", "div", "section"))
_SECTIONING = frozenset(("article", "main", "section"))
_ANCHOR_TAGS = frozenset(("a", "div", "p", "span"))
DEFINITION_LEVEL = 7
"""Level of a term in an outermost definition list, below every heading; nested lists go on from there."""

_CONTAINERS_KEPT = 8
"""Enclosing containers that a heading remembers; further out none of them is opened by it."""


@dataclass(slots=True, eq=False)
class Container:
    """A section or wrapper with an id, and the levels of the headings in it, in order."""

    tag: str
    anchor: str
    levels: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading, or a term of a definition list, and every anchor that leads to it."""

    level: int
    title: str
    own: str
    containers: Sequence[tuple[Container, bool]]
    """Innermost first; true where no heading came before this one in the container."""
    near: Sequence[str]
    """Anchors inside the heading, then just before it."""


@dataclass(frozen=True, slots=True)
class ListEnd:
    """The end of a definition list: its terms, which are of ``level``, take no more text."""

    level: int


Item: TypeAlias = str | Heading | ListEnd


def read_items(document: LexborHTMLParser) -> list[Item]:
    """Return the blocks and headings of the page's main content, in reading order."""
    roots, is_main = _find_roots(document)
    reader = _Reader(is_main)
    for root in roots:
        reader.read(root)
    return reader.items


def _find_roots(document: LexborHTMLParser) -> tuple[list[LexborNode], bool]:
    """Return the elements with the main content, and whether the page says that it is that."""
    for selector in MAIN_SELECTORS:
        found = document.css(selector)
        if found:
            known = {node.mem_id for node in found}
            return [node for node in found if not _is_inside(node, known)], True
    body = document.body or document.root
    return ([body] if body is not None and not _ignores(body) else []), False


def _is_inside(node: LexborNode, others: set[int]) -> bool:
    """Return whether ``node`` is in another root, which reads it anyway, or in what is to be ignored."""
    return _ignores(node) or any(around.mem_id in others or _ignores(around) for around in ancestors(node))


def _ignores(node: LexborNode) -> bool:
    return node.is_element_node and "data-pagefind-ignore" in node.attributes


class _Reader:
    """Walks a tree and collects blocks and headings."""

    def __init__(self, is_main: bool) -> None:
        self.items: list[Item] = []
        self._is_main = is_main
        self._inline: list[str] = []
        self._rows = 0
        self._pre = 0
        self._lists = 0
        self._sectioning = 0
        self._containers: list[Container] = []

    def read(self, root: LexborNode) -> None:
        """Read everything below ``root``."""
        # An entry is a node to enter, or the tag of an element to leave.
        stack: list[LexborNode | tuple[str, bool]] = [*children(root)]
        while stack:
            node = stack.pop()
            if isinstance(node, tuple):
                self._leave(*node)
            elif node.is_text_node:
                self._add_text(node.text_content or "")
            elif node.is_element_node and self._enter(node, stack):
                stack.extend(children(node))
        self._end_block()

    def _enter(self, node: LexborNode, stack: list[LexborNode | tuple[str, bool]]) -> bool:
        """Begin an element; return whether its children are to be read."""
        tag = node.tag or ""
        attributes: Attributes = node.attributes
        if is_invisible(node, tag, attributes) or self._is_chrome(node, tag):
            return False
        level = HEADINGS.get(tag)
        if level is not None:
            self._end_block()
            self._add_heading(node, level, attributes)
            return False
        self._break(tag)
        if tag == "dt" and attributes.get("id") and self._lists and not self._rows:
            self._add_term(node, attributes["id"] or "")
            return False
        if tag == "tr":
            self._rows += 1
        elif tag in _PRE_TAGS:
            self._pre += 1
        elif tag == "dl":
            self._lists += 1
        elif tag in _SECTIONING:
            self._sectioning += 1
        is_container = tag in _CONTAINER_TAGS and bool(attributes.get("id"))
        if is_container:
            self._containers.append(Container(tag, attributes["id"] or ""))
        if tag in _BLOCK_TAGS or tag in _CELL_TAGS:
            stack.append((tag, is_container))
        return True

    def _leave(self, tag: str, is_container: bool) -> None:
        if tag == "tr":
            self._end_block()
            self._rows -= 1
        elif tag in _PRE_TAGS:
            self._end_block()
            self._pre -= 1
        elif tag == "dl":
            self._end_block()
            self._lists -= 1
            self.items.append(ListEnd(DEFINITION_LEVEL + self._lists))
        elif tag in _SECTIONING:
            self._sectioning -= 1
        self._break(tag)
        if is_container:
            self._containers.pop()

    def _is_chrome(self, node: LexborNode, tag: str) -> bool:
        """Return whether an element is decoration here, though the same one is content elsewhere."""
        if tag == "button":
            # Copy and menu buttons; the question of an accordion is a heading, read as a whole.
            return True
        if tag == "aside":
            # In the main content a note; beside it, when nothing marks that, a sidebar.
            return not self._is_main and not self._sectioning
        if tag == "header":
            if not self._is_main and not self._sectioning:
                return True
            return node.css_first(",".join(HEADINGS)) is None
        return False

    def _break(self, tag: str) -> None:
        """End the block, or only the word, where an element of this kind begins or ends."""
        if tag in _CELL_TAGS or (self._rows and tag in _SOFT_IN_ROW):
            self._inline.append(" ")
        elif tag in _BLOCK_TAGS:
            self._end_block()

    def _add_text(self, text: str) -> None:
        if not self._pre:
            self._inline.append(text)
            return
        first, *others = text.split("\n")
        self._inline.append(first)
        for line in others:
            self._end_block()
            self._inline.append(line)

    def _end_block(self) -> None:
        if self._inline:
            text = collapse("".join(self._inline))
            self._inline.clear()
            if text:
                self.items.append(text)

    def _add_heading(self, node: LexborNode, level: int, attributes: Attributes) -> None:
        title = inline_text(node)
        if not title:
            return
        nearest = self._containers[: -_CONTAINERS_KEPT - 1 : -1]
        containers = [(container, not container.levels) for container in nearest]
        for container in self._containers:
            container.levels.append(level)
        near = [*_anchors_inside(node), *_anchors_before(node)]
        self.items.append(Heading(level, title, attributes.get("id") or "", containers, near))

    def _add_term(self, node: LexborNode, anchor: str) -> None:
        """Add a term of a definition list; unlike a heading, it is never the first of a wrapper around it."""
        title = inline_text(node)
        if title:
            self.items.append(Heading(DEFINITION_LEVEL + self._lists - 1, title, anchor, (), ()))


def _anchors_inside(heading: LexborNode) -> list[str]:
    """Return the first id or anchor name within ``heading``, if any."""
    for node in heading.css("[id], a[name]"):
        if node.mem_id != heading.mem_id and (anchor := _anchor_of(node)):
            return [anchor]
    return []


def _anchors_before(heading: LexborNode) -> list[str]:
    """Return the anchor of an empty element just before ``heading``, if any."""
    node = heading.prev
    while node is not None:
        if node.is_element_node:
            if node.tag not in _ANCHOR_TAGS or collapse(node.text()):
                return []
            for candidate in (node, *node.css("[id], a[name]")):
                if anchor := _anchor_of(candidate):
                    return [anchor]
        elif node.is_text_node and not _is_space(node):
            return []
        node = node.prev
    return []


def _is_space(node: LexborNode) -> bool:
    return re.fullmatch(r"\s*", node.text_content or "") is not None


def _anchor_of(node: LexborNode) -> str:
    attributes = node.attributes
    name = attributes.get("name") if node.tag == "a" else ""
    return attributes.get("id") or name or ""

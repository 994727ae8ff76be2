"""What an HTML page shows: parsing that bad input cannot stall, and the text of an element.

Everything walks the tree with a stack of its own, so no depth of nesting exhausts Python's. Knows HTML and
the habits of documentation generators; knows nothing of sections or files.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from selectolax.lexbor import LexborHTMLParser, LexborNode


def words(text: str) -> frozenset[str]:
    """Return the words of ``text`` as a set: long lists of tags stay readable."""
    return frozenset(text.split())


Attributes: TypeAlias = Mapping[str, str | None]

HEADINGS = {f"h{level}": level for level in range(1, 7)}

MAX_DEPTH = 512
"""Nesting that is kept, as in Chromium: deeper elements become children of the one at this depth."""

MANY_TAGS = 20_000
"""Only a page with more tags is checked for its depth; below, the parser takes well under a second."""

NESTING_TAG = re.compile(
    r"<(/?)(?:address|article|aside|blockquote|center|details|dialog|dir|div|dl|fieldset|figure|font|footer|form"
    r"|header|main|menu|nav|ol|section|summary|ul)(?=[\s/>])[^>]*>",
    re.IGNORECASE,
)
"""Tags that nest and must be closed; not <li> or <p>, which may well be left open a thousand times."""

INVISIBLE_TAGS = words(
    "annotation annotation-xml applet audio canvas datalist embed footer head iframe input map meter nav"
    " noframes noscript object option progress rp script select style svg template textarea title video"
)
"""Elements without text for a reader, navigation, and form controls; not forms, which may wrap a page."""

INVISIBLE_ROLES = frozenset(("banner", "contentinfo", "doc-toc", "menu", "menubar", "navigation", "search"))

INVISIBLE_CLASSES = frozenset(
    # Line numbers beside code, and lists of links that only repeat headings: Sphinx, MkDocs, Asciidoctor.
    ("hljs-ln-numbers", "lineno", "linenodiv", "linenos", "rouge-gutter", "toc", "toctree-wrapper")
)

PERMALINK_CLASSES = frozenset(
    ("anchor-link", "anchorjs-link", "hash-link", "header-anchor", "headerlink", "sl-anchor-link")
)
"""Classes of the mark beside a heading or a definition that links to it."""

HEADING_LINK_CLASSES = PERMALINK_CLASSES | {"anchor", "anchor-heading", "heading-anchor", "permalink"}
"""The same inside a heading, where commoner words are safe to take for a mark."""

PERMALINK_LABEL = re.compile(r"(?:permalink|permanent link|direct link|link to|anchor)\b", re.IGNORECASE)
PERMALINK_MARKS = frozenset(("", "#", "¶", "§", "🔗", "⚓", "⚓︎", "link", "permalink", "[link]"))

_SPACED_TAGS = words(
    "address article aside blockquote br dd div dl dt figcaption figure li ol p pre section table td th tr ul"
)
_ZERO_WIDTH = "\u200b\u2060\ufeff"


def parse_html(html: str) -> LexborHTMLParser:
    """Parse a whole page; any string parses, in time that grows with its length only."""
    return LexborHTMLParser(_limit_depth(html) if html.count("<") > MANY_TAGS else html)


def _limit_depth(html: str) -> str:
    """Drop tags nested more than ``MAX_DEPTH`` deep: the parser's time grows with the square of the depth."""
    kept: list[str] = []
    depth = position = 0
    for match in NESTING_TAG.finditer(html):
        closes = bool(match[1])
        if depth > MAX_DEPTH or (depth == MAX_DEPTH and not closes):
            kept.append(html[position : match.start()])
            position = match.end()
        depth = max(depth - 1, 0) if closes else depth + 1
    kept.append(html[position:])
    return "".join(kept)


def children(node: LexborNode) -> Iterator[LexborNode]:
    """Yield the children of ``node`` from the last to the first, the order in which a stack wants them."""
    child = node.last_child
    while child is not None:
        yield child
        child = child.prev


def ancestors(node: LexborNode) -> Iterator[LexborNode]:
    """Yield the elements around ``node``, innermost first."""
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def classes_of(attributes: Attributes) -> list[str]:
    """Return the words of the ``class`` attribute."""
    return (attributes.get("class") or "").split()


def collapse(text: str) -> str:
    """Return ``text`` with every run of whitespace as one space and without soft hyphens."""
    return " ".join(text.replace("\xad", "").split())


def is_invisible(node: LexborNode, tag: str, attributes: Attributes) -> bool:
    """Return whether an element, with all that is in it, is no content wherever it stands."""
    if tag in INVISIBLE_TAGS:
        return True
    if not attributes:
        return tag == "dialog"
    if "data-pagefind-ignore" in attributes or attributes.get("aria-hidden") == "true":
        return True
    role = attributes.get("role")
    # A tab's panel is hidden until its tab is chosen, and "until-found" means: search may find this.
    if "hidden" in attributes and attributes["hidden"] != "until-found" and role != "tabpanel":
        return True
    if role in INVISIBLE_ROLES or (tag == "dialog" and "open" not in attributes):
        return True
    words = classes_of(attributes)
    if not INVISIBLE_CLASSES.isdisjoint(words) or ("contents" in words and "topic" in words):
        return True
    return tag == "a" and _is_permalink(node, attributes, PERMALINK_CLASSES)


def _is_permalink(node: LexborNode, attributes: Attributes, classes: frozenset[str]) -> bool:
    """Return whether a link is a mark that points to where it stands."""
    if "#" not in (attributes.get("href") or ""):
        return False
    if not classes.isdisjoint(classes_of(attributes)) or PERMALINK_LABEL.match(
        attributes.get("aria-label") or ""
    ):
        # VuePress wraps the whole heading in such a link: then it is the title, not a mark.
        return not _wraps_its_parent(node)
    return plain_text(node).strip(_ZERO_WIDTH).lower() in PERMALINK_MARKS


def _wraps_its_parent(node: LexborNode) -> bool:
    text = plain_text(node)
    parent = node.parent
    return text.lower() not in PERMALINK_MARKS and parent is not None and text == plain_text(parent)


def plain_text(node: LexborNode) -> str:
    """Return all text in ``node``, whitespace collapsed, nothing left out."""
    return collapse(node.text(deep=True, separator=""))


def inline_text(root: LexborNode) -> str:
    """Return the visible text of ``root`` on one line, without permalink marks: a heading's title, a value.

    A picture's alternative text stands in where there is no other text.
    """
    parts: list[str] = []
    pictures: list[str] = []
    stack: list[LexborNode | str] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        if node.is_text_node:
            parts.append(node.text_content or "")
            continue
        tag = node.tag or ""
        attributes = node.attributes if node.is_element_node else {}
        if node is not root and (
            is_invisible(node, tag, attributes)
            or (tag == "a" and _is_permalink(node, attributes, HEADING_LINK_CLASSES))
        ):
            continue
        if tag == "img":
            pictures.append(attributes.get("alt") or "")
        if tag in _SPACED_TAGS:
            parts.append(" ")
            stack.append(" ")
        stack.extend(children(node))
    # The mark may be typed rather than linked.
    text = collapse("".join(parts)).strip(_ZERO_WIDTH + "¶ ")
    return text or collapse(" ".join(pictures))

"""Pagefind's attributes, read as its documentation says, so that a site marked up for it needs no change.

``data-pagefind-body`` and ``data-pagefind-ignore`` are obeyed where content is chosen
(:mod:`latefind_build.sections`, :mod:`latefind_build.crawl`); here are the two that carry values.
"""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from latefind_build.dom import ancestors, collapse, inline_text

_FROM_ATTRIBUTE = re.compile(r"\s*([^,:\[\]]+)\[([^\]]+)\]\s*(?:,|$)")
_INLINE = re.compile(r"\s*([^,:\[\]]+):(.*)$", re.DOTALL)
_FROM_TEXT = re.compile(r"\s*([^,:\[\]]+)(?:,|$)")


def read_meta(document: LexborHTMLParser) -> dict[str, object]:
    """Return the page's ``data-pagefind-meta`` values; the last of a key wins, defaults give way."""
    meta = dict(_read_pairs(document, "data-pagefind-default-meta"))
    meta.update(_read_pairs(document, "data-pagefind-meta"))
    return dict(meta)


def read_filters(document: LexborHTMLParser) -> dict[str, tuple[str, ...]]:
    """Return the page's ``data-pagefind-filter`` values: all of a key, in page order, each once."""
    filters: dict[str, dict[str, None]] = {}
    for key, value in _read_pairs(document, "data-pagefind-filter"):
        filters.setdefault(key, {})[value] = None
    return {key: tuple(values) for key, values in filters.items()}


def _read_pairs(document: LexborHTMLParser, attribute: str) -> Iterator[tuple[str, str]]:
    for node in document.css(f"[{attribute}]"):
        if not _is_excluded(node):
            for key, value in _parse(node.attributes.get(attribute) or "", node):
                if value:
                    yield key, value


def _is_excluded(node: LexborNode) -> bool:
    """Values count inside ``data-pagefind-ignore``, unless it says "all"."""
    return any(
        (around.attributes.get("data-pagefind-ignore") or "").lower() == "all"
        for around in (node, *ancestors(node))
        if around.is_element_node
    )


def _parse(declaration: str, node: LexborNode) -> Iterator[tuple[str, str]]:
    """Yield the pairs of ``key, key[attribute], key:rest of the declaration``."""
    position = 0
    while position < len(declaration):
        if match := _FROM_ATTRIBUTE.match(declaration, position):
            yield match[1].strip(), collapse(node.attributes.get(match[2].strip()) or "")
        elif match := _INLINE.match(declaration, position):
            yield match[1].strip(), collapse(match[2])
        elif match := _FROM_TEXT.match(declaration, position):
            yield match[1].strip(), inline_text(node)
        else:
            return
        position = match.end()

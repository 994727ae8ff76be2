"""Markdown to HTML: CommonMark with tables, strikethrough, task lists, alerts and footnotes.

Rendering takes two passes, because a link to ``guide.md#setup`` can only be checked once every page's
headings are known: :func:`parse` reads a page and knows its anchors, :func:`render` rewrites its links
through a function that the caller gives. Raw HTML is the author's own and passes through; the links in it
are rewritten like any other.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import escape
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.anchors.index import slugify
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from pygments import highlight as pygmentize  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

from latefind.errors import InputError

Resolve = Callable[[str, int], str]
"""From a link as written, and its line in the file, to the link as it stands on the page."""

PERMALINK_CLASS = "header-anchor"
PERMALINK_LABEL = "Link to this section"

_RAW_TAG = re.compile(r"<[A-Za-z][^<>]*>")
_RAW_LINK = re.compile(r"""(\s(?:href|src)\s*=\s*)("|')(.*?)\2""", re.IGNORECASE)
_RAW_ID = re.compile(r"""\s(?:id|name)\s*=\s*("|')(.*?)\1""", re.IGNORECASE)
_HEADING_ID = re.compile(r"\s+\{#([\w.:-]+)\}\s*$")
_FRONT_FIELD = re.compile(r"([A-Za-z_][\w-]*)\s*:\s*(.*?)\s*$")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields of a page's front matter that latefind reads; others are left alone."""

    title: str = ""
    nav_title: str = ""
    description: str = ""
    order: int | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the page, for its table of contents."""

    level: int
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed page.

    Attributes
    ----------
    headings : tuple of Heading
        Headings of the page itself, not those inside a quotation or list.
    anchors : frozenset of str
        Every id that a link may point to.
    """

    path: Path
    front: FrontMatter
    tokens: Sequence[Token]
    headings: tuple[Heading, ...]
    anchors: frozenset[str]

    @property
    def title(self) -> str:
        """The front matter's title, else the first heading of level 1, else the file's name."""
        first = next((heading.text for heading in self.headings if heading.level == 1), "")
        return self.front.title or first or self.path.stem.replace("-", " ").replace("_", " ").capitalize()

    @property
    def title_id(self) -> str:
        """An id for a heading made from the title, that no heading of the page has."""
        slug = slugify(self.title) or "page"
        return slug if slug not in self.anchors else f"{slug}-page"


def parse(source: str, path: Path) -> Document:
    """Parse the Markdown of ``path``.

    Raises
    ------
    InputError
        A field of the front matter has the wrong type; the message names file and line.
    """
    tokens = _parser().parse(source.removeprefix("\ufeff"))
    front = FrontMatter()
    for token in tokens:
        if token.type == "front_matter":
            front = _read_front_matter(token.content, path)
    return Document(path, front, tokens, tuple(_headings(tokens)), frozenset(_anchors(tokens)))


def render(document: Document, resolve: Resolve) -> str:
    """Return the HTML of the page's body, each link passed through ``resolve``."""
    parser = _parser()
    for token, line in _linked(document.tokens):
        _rewrite(token, line, resolve)
    return str(parser.renderer.render(document.tokens, parser.options, {}))


def _parser() -> MarkdownIt:
    options = {"html": True, "alerts": True, "tasklists": True}
    parser = MarkdownIt("commonmark", options, renderer_cls=_Renderer)
    parser.enable(["table", "strikethrough"])
    parser.use(front_matter_plugin).use(footnote_plugin, inline=False)
    parser.core.ruler.push("heading_ids", _read_heading_ids)
    parser.core.ruler.push("cell_classes", _align_by_class)
    return parser.use(anchors_plugin, max_level=6, permalink=True, permalinkSymbol="", permalinkSpace=False)


def _read_heading_ids(state: StateCore) -> None:
    """Take the id of ``## Heading {#id}``: it stays when the heading's words change."""
    for opening, inline in pairwise(state.tokens):
        last = inline.children[-1] if opening.type == "heading_open" and inline.children else None
        match = _HEADING_ID.search(last.content) if last and last.type == "text" else None
        if last and match:
            opening.attrSet("id", match[1])
            last.content = last.content[: match.start()]


def _align_by_class(state: StateCore) -> None:
    """Align table cells by a class (``site.css``): a strict content security policy forbids inline styles."""
    for token in state.tokens:
        if token.type in {"th_open", "td_open"}:
            side = str(token.attrs.pop("style", "")).removeprefix("text-align:")
            if side:
                token.attrSet("class", f"align-{side}")


class _Renderer(RendererHTML):
    """Code blocks with colours, and tables that scroll sideways instead of widening the page."""

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        language = tokens[idx].info.strip().split(maxsplit=1)[:1]
        return _code_block(tokens[idx].content, language[0] if language else "")

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return _code_block(tokens[idx].content, "")

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<div class="table" role="group" aria-label="Table" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</table></div>\n"


def _code_block(code: str, language: str) -> str:
    # Focusable, so that a block wider than the page can be scrolled from the keyboard.
    named = f' class="language-{escape(language)}"' if language else ""
    content = highlight_code(code, language)
    return f'<div class="highlight"><pre tabindex="0"><code{named}>{content}</code></pre></div>\n'


def highlight_code(code: str, language: str) -> str:
    """Return a code block's HTML with Pygments' classes (``syntax.css`` colours them).

    Plain escaped text where the language is not given or not known.
    """
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False) if language else None
    except ClassNotFound:
        lexer = None
    if lexer is None:
        return str(escape(code))
    return str(pygmentize(code, lexer, HtmlFormatter(nowrap=True)))


def _read_front_matter(text: str, path: Path) -> FrontMatter:
    """Read ``key: value`` lines, the part of YAML that titles need.

    Keys that latefind does not know, lists and nested values included, may be another generator's: they are
    skipped.
    """
    fields: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(text.splitlines(), start=2):
        match = _FRONT_FIELD.match(line)
        if match:
            fields[match[1]] = (_unquote(match[2]), number)
    order, line_number = fields.get("order", ("", 0))
    if order and not re.fullmatch(r"-?\d+", order):
        raise InputError.expected(
            f"{path}:{line_number}: order", "a whole number", repr(order), "Correct the front matter."
        )
    return FrontMatter(
        title=fields.get("title", ("", 0))[0],
        nav_title=fields.get("nav_title", ("", 0))[0],
        description=fields.get("description", ("", 0))[0],
        order=int(order) if order else None,
    )


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1].replace("''", "'") if value[0] == "'" else value[1:-1].replace('\\"', '"')
    return value


def _headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.level == 0:
            text = "".join(
                child.content for child in inline.children or [] if child.type in {"text", "code_inline"}
            )
            yield Heading(int(opening.tag[1:]), str(opening.attrGet("id") or ""), text.strip())


def _anchors(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.attrGet("id"):
            yield str(token.attrGet("id"))
        if token.type in {"html_block", "html_inline"}:
            for tag in _RAW_TAG.findall(token.content):
                yield from (match[2] for match in _RAW_ID.finditer(tag))
        yield from _anchors(token.children or [])


def _linked(tokens: Sequence[Token]) -> Iterator[tuple[Token, int]]:
    """Yield every token that may hold a link, with its line (from 1) in the file."""
    line = 1
    for token in tokens:
        if token.map:
            line = token.map[0] + 1
        if token.type == "html_block":
            yield token, line
        child_line = line
        for child in token.children or []:
            if child.type in {"softbreak", "hardbreak"}:
                child_line += 1
            yield child, child_line


def _rewrite(token: Token, line: int, resolve: Resolve) -> None:
    if token.type == "link_open":
        if token.attrGet("class") == PERMALINK_CLASS:
            token.attrSet("aria-label", PERMALINK_LABEL)
        elif "href" in token.attrs:
            token.attrSet("href", resolve(str(token.attrGet("href")), line))
    elif token.type == "image":
        token.attrSet("src", resolve(str(token.attrGet("src")), line))
        token.attrSet("loading", "lazy")
    elif token.type in {"html_block", "html_inline"}:
        token.content = _RAW_TAG.sub(lambda tag: _rewrite_tag(tag[0], line, resolve), token.content)


def _rewrite_tag(tag: str, line: int, resolve: Resolve) -> str:
    return _RAW_LINK.sub(lambda link: f"{link[1]}{link[2]}{escape(resolve(link[3], line))}{link[2]}", tag)

"""The content of a Markdown site: its pages and files, their URLs, their order, and the links between them.

``guide.md`` is published at ``guide/`` and ``index.md`` at its folder's own URL, so links written between
``.md`` files, which work in an editor and on a code host, have to be rewritten. All links come out relative:
the site then works below any path, and from any host.
"""

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from latefind.errors import InputError, UsageError
from latefind_build.config import NavGroup
from latefind_build.markdown import Document, parse


@dataclass(frozen=True, slots=True)
class ContentPage:
    """One Markdown file: ``path`` below the content folder, ``url`` below the site's root."""

    path: str
    url: str
    document: Document

    @property
    def title(self) -> str:
        """The page's title."""
        return self.document.title

    @property
    def nav_title(self) -> str:
        """The page's name in the navigation."""
        return self.document.front.nav_title or self.document.title


@dataclass(frozen=True, slots=True)
class Content:
    """Everything below the content folder: ``pages`` by path, and the paths of the other files."""

    folder: Path
    pages: Mapping[str, ContentPage]
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Pages under one caption of the navigation; the caption may be empty."""

    title: str
    pages: tuple[ContentPage, ...]


def read_content(folder: Path, skip: Path) -> Content:
    """Read and parse every page below ``folder``; ``skip`` is the output, which may lie inside it.

    Names that begin with a dot or an underscore are left out.

    Raises
    ------
    InputError
        A page is not UTF-8, two files claim one URL, or there is no ``index.md``.
    """
    pages: dict[str, ContentPage] = {}
    assets: list[str] = []
    for path in _files(folder, skip):
        if path.endswith(".md"):
            pages[path] = ContentPage(path, page_url(path), parse(_read(folder / path), folder / path))
        else:
            assets.append(path)
    if "index.md" not in pages:
        raise InputError.expected(folder / "index.md", "the site's first page", "no such file", "Write it.")
    _check_urls(folder, pages.values())
    return Content(folder, pages, tuple(assets))


def page_url(path: str) -> str:
    """Return the URL below the site's root: ``a/guide.md`` is ``a/guide/``, ``a/index.md`` is ``a/``."""
    stem = path.removesuffix(".md")
    if stem == "index":
        return ""
    return stem.removesuffix("/index") + "/"


def relative_url(start: str, target: str) -> str:
    """Return the link from the page at ``start`` to ``target``, both below the site's root."""
    link = posixpath.relpath("/" + target, "/" + start)
    if target == "" or target.endswith("/"):
        link += "/"
    return quote(link)


def order_pages(content: Content, nav: Sequence[NavGroup]) -> list[Group]:
    """Return the navigation: the groups of ``nav``, then the pages that it does not name, by folder."""
    named = [path for group in nav for path in group.pages]
    for path in named:
        if path not in content.pages:
            near = get_close_matches(path, content.pages, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "Correct the configuration."
            raise UsageError.expected("site.nav", f"pages of {content.folder}", repr(path), hint)
    groups = [Group(group.title, tuple(content.pages[path] for path in group.pages)) for group in nav]
    rest: dict[str, list[ContentPage]] = {}
    for page in sorted(content.pages.values(), key=_position):
        if page.path not in named:
            rest.setdefault(page.path.rpartition("/")[0], []).append(page)
    for folder, pages in sorted(rest.items()):
        groups.append(Group(_folder_title(content, folder), tuple(pages)))
    return groups


def _position(page: ContentPage) -> tuple[bool, float, str]:
    order = page.document.front.order
    return (not page.path.endswith("index.md"), float("inf") if order is None else order, page.path)


def _folder_title(content: Content, folder: str) -> str:
    if not folder:
        return ""
    index = content.pages.get(f"{folder}/index.md")
    return index.title if index else posixpath.basename(folder).replace("-", " ").capitalize()


class Links:
    """Rewrites links, and collects those that lead nowhere: an author wants to see all of them at once."""

    def __init__(self, content: Content, generated: Iterable[str]) -> None:
        self.problems: list[str] = []
        self._content = content
        self._targets = {page.url: page.url for page in content.pages.values()}
        self._targets |= {page.path: page.url for page in content.pages.values()}
        self._targets |= {path: path for path in (*content.assets, *generated)}
        self._anchors = {page.url: page.document.anchors for page in content.pages.values()}

    def resolve(self, page: ContentPage, link: str, line: int) -> str:
        """Return ``link`` of ``page`` as it must stand in the page's HTML."""
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            return link
        url = self._target(page, unquote(parts.path))
        if url is None:
            self._report(page, line, link, "a page or file below the content folder", self._hint(parts.path))
            return link
        fragment = unquote(parts.fragment)
        if fragment and fragment != "top" and fragment not in self._anchors.get(url, {fragment}):
            near = get_close_matches(fragment, self._anchors[url], n=1)
            hint = f"Did you mean '#{near[0]}'?" if near else "Correct the link."
            self._report(page, line, link, f"a heading or id of {url or 'index.md'}", hint)
        path = relative_url(page.url, url) if parts.path else ""
        return (
            path + (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if "#" in link else "")
        )

    def _target(self, page: ContentPage, path: str) -> str | None:
        """Return the URL below the root that ``path``, as written on ``page``, stands for."""
        if not path:
            return page.url
        start = "" if path.startswith("/") else posixpath.dirname(page.path)
        target = posixpath.normpath(posixpath.join(start, path.lstrip("/")))
        target = "" if target == "." else target
        return self._targets.get(target, self._targets.get(target + "/"))

    def _hint(self, path: str) -> str:
        near = get_close_matches(posixpath.basename(path), [*self._content.pages, *self._content.assets], n=1)
        return f"Did you mean {near[0]!r}?" if near else "Correct the link, or add the file."

    def _report(self, page: ContentPage, line: int, link: str, expected: str, hint: str) -> None:
        where = f"{self._content.folder / page.path}:{line}: link '{link}'"
        self.problems.append(str(InputError.expected(where, expected, "a link to nothing", hint)))


def _files(folder: Path, skip: Path) -> Iterator[str]:
    """Yield the paths of all files below ``folder`` that are to be published, sorted."""
    skip = skip.resolve()
    for root, folders, names in os.walk(folder):
        here = Path(root)
        folders[:] = sorted(name for name in folders if _published(name) and (here / name).resolve() != skip)
        for name in sorted(names):
            if _published(name):
                yield (here / name).relative_to(folder).as_posix()


def _published(name: str) -> bool:
    return not name.startswith((".", "_"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        got = f"byte {error.object[error.start]:#04x}"
        raise InputError.expected(f"{path}:{line}", "UTF-8", got, "Save the file as UTF-8.") from error


def _check_urls(folder: Path, pages: Iterable[ContentPage]) -> None:
    seen: dict[str, str] = {}
    for page in pages:
        if page.url in seen:
            raise InputError.expected(
                folder / page.path, "a URL of its own", f"that of {seen[page.url]}", "Rename one of the two."
            )
        seen[page.url] = page.path

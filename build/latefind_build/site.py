"""``latefind site``: a folder of Markdown becomes a complete static site, ready to be indexed.

Stages: read the content, order it, render every page, write what the theme adds, publish. Everything is
written to a temporary folder beside the output, which then takes the output's place: a build that fails or
is interrupted leaves the previous site as it was. An output folder that this module did not make is never
replaced; the marker file tells.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from latefind.errors import InputError, UsageError
from latefind_build.config import Config, SiteConfig
from latefind_build.files import replaced_folder
from latefind_build.markdown import render
from latefind_build.modules import OFFLINE, SHELL, STYLE, read_code
from latefind_build.paths import web_dir
from latefind_build.pwa import LOADER
from latefind_build.site_content import (
    Content,
    ContentPage,
    Group,
    Links,
    order_pages,
    read_content,
    relative_url,
)
from latefind_build.theme import ICONS, THEME_DIR, theme_files, theme_names

MARKER = ".latefind-site"
"""File in the root of every site that :func:`build_site` made."""

EDITION = "index/manifest-of-this-site.json"
"""Stands in rendered pages until there is an index: see :func:`name_edition`."""

SEARCH_URL = "search/"

_SITE_FILES = frozenset({"404.html", "manifest.webmanifest", "sitemap.xml", LOADER, MARKER})
_THEME_COLOUR = "#fdfcf9"  # As in base.html, which has the dark one too.
_TOC_LEVELS = (2, 3)


@dataclass(frozen=True, slots=True)
class SitePage:
    """A page as published: ``url`` is below the site's root, ``path`` below the output folder."""

    source: Path
    url: str
    path: str
    title: str


@dataclass(frozen=True, slots=True)
class SitePages:
    """What :func:`build_site` made."""

    output: Path
    pages: tuple[SitePage, ...]
    assets: tuple[str, ...]


def build_site(
    content_dir: Path,
    output: Path,
    config: Config,
    *,
    before_publish: Callable[[Path], None] | None = None,
) -> SitePages:
    """Render the Markdown below ``content_dir`` into the folder ``output``.

    Parameters
    ----------
    before_publish
        Called with the temporary folder once the site is complete in it, before it takes the output's
        place. What it raises ends the build with the previous output untouched.

    Raises
    ------
    UsageError
        A folder is missing, or the output is not ours to replace.
    InputError
        A page cannot be read, or a link leads nowhere; every such link is named with file and line.
    """
    _check_folders(content_dir, output)
    with replaced_folder(output, MARKER) as staging:
        content = read_content(content_dir, output)
        _check_reserved(content, config.output_subdir)
        groups = order_pages(content, config.site.nav)
        files = _render_pages(content, groups, config) | _site_files(content, config.site)
        _write(staging, files, content)
        if before_publish:
            before_publish(staging)
    ordered = [page for group in groups for page in group.pages]
    pages = (SitePage(content_dir / page.path, page.url, _file(page.url), page.title) for page in ordered)
    return SitePages(output, tuple(pages), content.assets)


def name_edition(staging: Path, edition: str) -> None:
    """Make the site's pages name ``edition``, the index's manifest by its hash, below the search folder.

    They are rendered before the index exists, since it is made of them.
    """
    for path in staging.rglob("*.html"):
        data = path.read_bytes()
        named = data.replace(_attribute(EDITION), _attribute(edition))
        if named != data:
            path.write_bytes(named)


def _attribute(edition: str) -> bytes:
    return f' edition="{edition}"'.encode()


def _check_folders(content_dir: Path, output: Path) -> None:
    if not content_dir.is_dir():
        got = "a file" if content_dir.exists() else "nothing"
        raise UsageError.expected(content_dir, "a folder of Markdown files", got, "Check the path.")
    if content_dir.resolve().is_relative_to(output.resolve()):
        raise UsageError.expected(
            "--output",
            "a folder apart from the content",
            f"{output}, which holds it",
            "Choose another output folder.",
        )
    if (output / ".git").exists():
        got = f"{output}, a git checkout"
        raise UsageError.expected("--output", "a folder to replace", got, "Choose another output folder.")


def _check_reserved(content: Content, subdir: str) -> None:
    """Refuse content that would be overwritten by what latefind adds."""
    reserved = (SEARCH_URL, f"{THEME_DIR}/", f"{subdir}/")
    taken = {page.url: path for path, page in content.pages.items()} | {path: path for path in content.assets}
    for url, path in taken.items():
        if url.startswith(reserved) or url in _SITE_FILES:
            expected = "a name that latefind does not use itself"
            raise InputError.expected(content.folder / path, expected, f"the URL {url}", "Rename it.")
    for page in content.pages.values():
        if _file(page.url) in content.assets:
            where = content.folder / _file(page.url)
            raise InputError.expected(where, "a name of its own", f"that of {page.path}", "Rename it.")


def _render_pages(content: Content, groups: Sequence[Group], config: Config) -> dict[str, str]:
    """Return every HTML file by its path below the output folder."""
    environment = _environment()
    theme = _Theme(environment, groups, config)
    links = Links(content, generated=(SEARCH_URL,))
    files = {"search/index.html": theme.render("search.html", SEARCH_URL, title="Search", has_offline=True)}
    files["404.html"] = theme.render("404.html", None, title="Page not found")
    ordered = [page for group in groups for page in group.pages]
    for before, page, after in zip([None, *ordered], ordered, [*ordered[1:], None], strict=False):

        def resolve(link: str, line: int, page: ContentPage = page) -> str:
            return links.resolve(page, link, line)

        body = Markup(render(page.document, resolve))  # noqa: S704 - the author's own Markdown
        files[_file(page.url)] = theme.render_page(page, body, before, after)
    if links.problems:
        raise InputError("\n".join(links.problems))
    return files


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(web_dir() / "templates" / "site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class _Theme:
    """The templates, with what every page of one site has in common."""

    def __init__(self, environment: Environment, groups: Sequence[Group], config: Config) -> None:
        self._environment = environment
        self._groups = groups
        self._config = config
        # The 404 page is served at any depth, so it alone cannot use relative links.
        self._root_path = urlsplit(config.site.url or "/").path
        code = read_code()
        self._code = {"shell": SHELL, "style": STYLE, "offline": OFFLINE}
        self._code = {key: code.address(name) for key, name in self._code.items()}
        self._answering = code.answering(config.site.language)

    def render(self, template: str, url: str | None, **values: object) -> str:
        """Render ``template`` for the page at ``url``; None is the 404 page."""

        def link(target: str) -> str:
            return self._root_path + target if url is None else relative_url(url, target)

        site = self._config.site
        shared: dict[str, object] = {
            "site": site,
            "url": url,
            "canonical": urljoin(site.url, url) if site.url and url is not None else "",
            "link": link,
            "groups": self._groups,
            "theme": {name: link(path) for name, path in theme_names().items()},
            "search": link(SEARCH_URL),
            "search_url": SEARCH_URL,
            "code": self._code,
            "answering": self._answering,
            "bundle": link(self._config.output_subdir + "/"),
            "edition": EDITION,
            "description": site.description,
            "offline": self._config.pwa is not False,
        }
        return self._environment.get_template(template).render(shared | values)

    def render_page(
        self, page: ContentPage, body: Markup, before: ContentPage | None, after: ContentPage | None
    ) -> str:
        """Render one page of the content."""
        document = page.document
        return self.render(
            "page.html",
            page.url,
            title=page.title,
            description=document.front.description or self._config.site.description,
            lead=document.front.description,
            heading_id=document.title_id,
            body=body,
            has_offline="<latefind-offline" in body,
            has_heading=any(heading.level == 1 for heading in document.headings),
            toc=[heading for heading in document.headings if heading.level in _TOC_LEVELS],
            group=next((group.title for group in self._groups if page in group.pages), ""),
            before=before,
            after=after,
        )


def _site_files(content: Content, site: SiteConfig) -> dict[str, str | bytes]:
    """Return the files that are neither pages nor the author's own."""
    files: dict[str, str | bytes] = {
        MARKER: "Made by latefind site, which replaces this folder whenever it runs.\n"
    }
    files["manifest.webmanifest"] = _web_manifest(site)
    if site.url:
        files["sitemap.xml"] = _sitemap(content, site.url)
    return files | theme_files()


def _web_manifest(site: SiteConfig) -> str:
    manifest = {
        "name": site.title,
        "description": site.description,
        "lang": site.language,
        "id": "./",
        "start_url": "./",
        "scope": "./",
        "display": "minimal-ui",
        "background_color": _THEME_COLOUR,
        "theme_color": _THEME_COLOUR,
        "icons": [{"src": theme_names()[name], **fields} for name, fields in ICONS.items()],
    }
    return json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"


def _sitemap(content: Content, root: str) -> str:
    urls = sorted(urljoin(root, relative_url("", page.url)) for page in content.pages.values())
    entries = "".join(f"  <url><loc>{escape(url)}</loc></url>\n" for url in urls)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n'
    )


def _file(url: str) -> str:
    return f"{url}index.html"


def _write(folder: Path, files: Mapping[str, str | bytes], content: Content) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    for name in content.assets:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(content.folder / name, path)

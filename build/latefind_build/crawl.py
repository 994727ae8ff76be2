"""The HTML pages of a built site: found, decoded, and left out where their author says so.

One bad file never stops a build: it is named in a warning and skipped. The order is that of the sorted
paths, so the same site gives the same index.

Which pages are skipped: redirects (``<meta http-equiv=refresh>`` with an address), pages marked ``noindex``
for robots, Sphinx's generated indexes, and, as in Pagefind, pages without ``data-pagefind-body`` as soon as
any page of the site has it.
"""

import codecs
import html
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from selectolax.lexbor import LexborHTMLParser

from latefind.errors import InputError, UsageError
from latefind_build.dom import ancestors, collapse, parse_html
from latefind_build.pagefind import read_filters, read_meta

SUFFIXES = (".html", ".htm")

GENERATED_PAGES = ("genindex.html", "genindex-*.html", "*-modindex.html")
"""Sphinx's indexes: long lists of links to what is indexed anyway."""

PATH_SAFE = "/~!$&'()*+,;=@"
"""Kept unescaped in URLs. Without ":", which would make the first segment look like a scheme."""

# Python's names for what <meta charset> may name, and what browsers take some of them for (WHATWG Encoding).
_BROWSER_ENCODINGS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "utf-16": "utf-8",
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
}
_ENCODINGS = frozenset(
    ["utf-8", "cp866", "cp874", "cp932", "cp949", "gb18030", "euc_jp", "iso2022_jp", "big5hkscs"]
    + ["koi8-r", "koi8-u", "mac-roman", "mac-cyrillic"]
    + [f"cp125{number}" for number in range(9)]
    + [f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)]
)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META_CHARSET = re.compile(rb"<meta\b[^>]*?\bcharset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_CHARSET_BYTES = 1024

_TITLE = re.compile(rb"<title\b[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_TITLE_SEPARATOR = re.compile(r"\s+(?:[|·•—–»:-]|::)\s+|\s*\|\s*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


def _warn_on_stderr(message: str) -> None:
    sys.stderr.write(f"warning: {message}\n")


@dataclass(frozen=True, slots=True)
class CrawlOptions:
    """Which pages of a site are read.

    Attributes
    ----------
    output_subdir : str
        Folder of the search bundle below the site's root; never crawled.
    exclude : tuple of str
        Globs of paths relative to the site's root: ``*`` and ``?`` stay within a path segment, ``**`` spans
        segments. A glob without a slash matches a name at any depth; one that matches a folder excludes
        all below it.
    include_noindex : bool
        Read pages that are marked ``noindex`` for robots too.
    warn : callable
        Called with one message for each file that cannot be used.
    """

    output_subdir: str = "latefind"
    exclude: tuple[str, ...] = ()
    include_noindex: bool = False
    warn: Callable[[str], None] = _warn_on_stderr


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a site.

    Attributes
    ----------
    path : str
        Relative to the site's root, with forward slashes; for messages.
    url : str
        Relative to the site's root, percent-encoded; ``./`` for the root's own index page.
    title : str
        Text of ``<title>``, without the suffix that most pages of the site share.
    lang : str
        ``<html lang>``; empty where there is none.
    meta, filters : mapping
        Values of Pagefind's attributes.
    """

    path: str
    url: str
    html: str = field(repr=False)
    title: str = ""
    lang: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def crawl_site(site_dir: Path, options: CrawlOptions) -> Iterator[Page]:
    """Yield the pages of ``site_dir`` in the order of their paths.

    Raises
    ------
    UsageError
        ``site_dir`` is missing or is not a folder.
    InputError
        There is no HTML file in it, or none is left once the pages above are skipped.
    """
    if not site_dir.is_dir():
        got = "a file" if site_dir.exists() else "nothing"
        raise UsageError.expected(
            site_dir, "the folder of a built site", got, "Build the site first, then name its output folder."
        )
    paths = find_pages(site_dir, options)
    if not paths:
        raise InputError.expected(
            site_dir,
            "HTML files (*.html, *.htm)",
            "none",
            "Build the site first, then name its output folder.",
        )
    return _read_pages(site_dir, paths, options)


def find_pages(site_dir: Path, options: CrawlOptions) -> list[str]:
    """Return the paths of all HTML files below ``site_dir`` that are not excluded, relative and sorted."""
    excluded = _compile_globs((*options.exclude, *GENERATED_PAGES))
    subdir = options.output_subdir.strip("/")
    found: list[str] = []
    pending = [""]
    visited: set[tuple[int, int]] = set()
    while pending:
        folder = pending.pop()
        try:
            status = (site_dir / folder).stat()
            entries = sorted(os.scandir(site_dir / folder), key=lambda entry: entry.name)
        except OSError as error:
            options.warn(_unreadable(folder or str(site_dir), error))
            continue
        # A folder is read once, however many links lead to it: that ends loops and doubled versions.
        if (status.st_dev, status.st_ino) in visited:
            continue
        visited.add((status.st_dev, status.st_ino))
        for entry in entries:
            path = f"{folder}{entry.name}"
            if entry.name.startswith(".") or path == subdir or excluded.fullmatch(path):
                continue
            if entry.is_dir():
                pending.append(f"{path}/")
            elif entry.name.lower().endswith(SUFFIXES) and entry.is_file():
                found.append(path)
    return sorted(found)


def _unreadable(path: str, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{_display(path)}: expected a readable file or folder, got: {reason}. It was skipped."


def _display(path: str) -> str:
    """File names need not be UTF-8; messages must be."""
    return path.encode("utf-8", "backslashreplace").decode()


def _compile_globs(globs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_translate_glob(glob) for glob in globs) or r"(?!)", re.DOTALL)


def _translate_glob(glob: str) -> str:
    glob = glob.strip("/")
    if "/" not in glob:
        glob = f"**/{glob}"
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    wildcards = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(wildcards.get(piece) or re.escape(piece) for piece in pieces)


def _read_pages(site_dir: Path, paths: list[str], options: CrawlOptions) -> Iterator[Page]:
    needs_body, suffix = _survey(site_dir, paths)
    skipped: Counter[str] = Counter()
    count = 0
    for path in paths:
        try:
            text = _decode((site_dir / path).read_bytes(), _display(path))
        except OSError as error:
            options.warn(_unreadable(path, error))
            skipped["unreadable"] += 1
            continue
        except InputError as error:
            options.warn(str(error))
            skipped["undecodable"] += 1
            continue
        document = parse_html(text)
        if reason := _skip_reason(document, needs_body, options):
            skipped[reason] += 1
            continue
        count += 1
        yield _make_page(path, text, document, suffix)
    if not count:
        reasons = ", ".join(f"{number} {reason}" for reason, number in skipped.items())
        raise InputError.expected(site_dir, "pages to index", reasons, "Check what the pages declare.")


def _make_page(path: str, text: str, document: LexborHTMLParser, suffix: str) -> Page:
    title = document.css_first("head > title")
    marked = "data-pagefind-" in text
    return Page(
        path=_display(path),
        url=url_of(path),
        html=text,
        title=_cut_suffix(collapse(title.text()) if title else "", suffix),
        lang=_language(document),
        meta=read_meta(document) if marked else {},
        filters=read_filters(document) if marked else {},
    )


def url_of(path: str) -> str:
    """Return the URL of the page at ``path``, relative to the site's root; ``./`` is the root itself."""
    folder, _, name = path.rpartition("/")
    if name == "index.html":
        path = f"{folder}/" if folder else "./"
    return quote(os.fsencode(path), safe=PATH_SAFE)


def _decode(data: bytes, path: str) -> str:
    """Decode a page as browsers do, except that damage is an error instead of replacement characters."""
    encoding = "utf-8"
    for bom, name in _BOMS:
        if data.startswith(bom):
            data, encoding = data[len(bom) :], name
            break
    else:
        if declared := _META_CHARSET.search(data, 0, _CHARSET_BYTES):
            encoding = _lookup(declared[1].decode("ascii"))
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError.expected(
            path,
            f"{encoding.upper()} text",
            f"byte {data[error.start]:#04x} at offset {error.start}",
            "The page was skipped: save it as UTF-8, or declare its encoding in <meta charset>.",
        ) from error


def _lookup(label: str) -> str:
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return "utf-8"
    name = _BROWSER_ENCODINGS.get(name, name)
    return name if name in _ENCODINGS else "utf-8"


def _survey(site_dir: Path, paths: list[str]) -> tuple[bool, str]:
    """Return what only the whole site tells: does any page use ``data-pagefind-body``; the titles' suffix."""
    has_body = False
    titles: list[str] = []
    for path in paths:
        try:
            data = (site_dir / path).read_bytes()
        except OSError:
            continue
        if match := _TITLE.search(data):
            titles.append(collapse(html.unescape(match[1].decode("utf-8", "replace"))))
        if not has_body and b"data-pagefind-body" in data:
            # The name may stand in the page's text only: documentation about it does that.
            document = parse_html(data.decode("utf-8", "replace"))
            has_body = document.css_first("[data-pagefind-body]") is not None
    return has_body, _common_suffix(titles)


def _common_suffix(titles: list[str]) -> str:
    """Return what follows the last separator in at least half of the titles, separator included."""
    suffixes: Counter[str] = Counter()
    for title in titles:
        separators = list(_TITLE_SEPARATOR.finditer(title))
        if separators and separators[-1].start() > 0:
            suffixes[title[separators[-1].start() :]] += 1
    if not suffixes:
        return ""
    suffix, count = suffixes.most_common(1)[0]
    return suffix if count >= 2 and count * 2 >= len(titles) else ""


def _cut_suffix(title: str, suffix: str) -> str:
    return title.removesuffix(suffix) or title


def _language(document: LexborHTMLParser) -> str:
    root = document.css_first("html")
    lang = (root.attributes.get("lang") or "").strip().replace("_", "-") if root else ""
    return lang if _LANGUAGE.fullmatch(lang) else ""


def _skip_reason(document: LexborHTMLParser, needs_body: bool, options: CrawlOptions) -> str:
    """Return why a page is not indexed, as words for a message; empty where it is."""
    for meta in document.css("meta[http-equiv], meta[name]"):
        # A refresh in <noscript> is for browsers that could not show our results anyway.
        if any(around.tag == "noscript" for around in ancestors(meta)):
            continue
        content = (meta.attributes.get("content") or "").lower()
        if (meta.attributes.get("http-equiv") or "").lower() == "refresh" and "url" in content:
            return "redirecting"
        if (meta.attributes.get("name") or "").lower() == "robots" and not options.include_noindex:
            words = re.split(r"[\s,]+", content)
            if "noindex" in words or "none" in words:
                return "marked noindex"
    if needs_body and document.css_first("[data-pagefind-body]") is None:
        return "without data-pagefind-body, which other pages have"
    return ""

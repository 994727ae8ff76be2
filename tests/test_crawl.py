import os
from pathlib import Path

import pytest

from latefind.errors import InputError, UsageError
from latefind_build.crawl import CrawlOptions, Page, crawl_site, url_of


def write(site: Path, **pages: str | bytes) -> Path:
    """Write pages named by keyword: ``a__b`` is a/b.html."""
    for name, content in pages.items():
        put(site, name.replace("__", "/") + ".html", content)
    return site


def put(site: Path, path: str, content: str | bytes) -> None:
    file = site / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def crawl(site: Path, *exclude: str, output_subdir: str = "latefind") -> list[Page]:
    return list(crawl_site(site, CrawlOptions(output_subdir, exclude, warn=pytest.fail)))


def paths(pages: list[Page]) -> list[str]:
    return [page.path for page in pages]


def crawl_warned(site: Path) -> tuple[list[str], list[str]]:
    warnings: list[str] = []
    pages = list(crawl_site(site, CrawlOptions(warn=warnings.append)))
    return paths(pages), warnings


# Which files


def test_crawl_yields_pages_sorted_by_path(tmp_path):
    write(tmp_path, b="<p>b", a="<p>a", a__c="<p>c", index="<p>i")
    put(tmp_path, "old.HTM", "<p>old")
    put(tmp_path, "style.css", "p {}")
    assert paths(crawl(tmp_path)) == ["a.html", "a/c.html", "b.html", "index.html", "old.HTM"]


def test_crawl_skips_dot_folders_and_the_output(tmp_path):
    write(tmp_path, a="<p>a", latefind__index="<p>search", docs__latefind__b="<p>b")
    put(tmp_path, ".git/c.html", "<p>c")
    assert paths(crawl(tmp_path)) == ["a.html", "docs/latefind/b.html"]


def test_crawl_skips_a_nested_output(tmp_path):
    write(tmp_path, a="<p>a", assets__search__index="<p>s", assets__b="<p>b")
    assert paths(crawl(tmp_path, output_subdir="assets/search")) == ["a.html", "assets/b.html"]


@pytest.mark.parametrize(
    ("glob", "left"),
    [
        ("draft.html", ["a/b.html", "a/c/d.html", "e.html"]),
        ("a", ["draft.html", "e.html"]),
        ("a/", ["draft.html", "e.html"]),
        ("a/*", ["draft.html", "e.html"]),
        ("a/*.html", ["a/c/d.html", "a/c/draft.html", "draft.html", "e.html"]),
        ("a/**/d*.html", ["a/b.html", "draft.html", "e.html"]),
        ("?.html", ["a/c/draft.html", "draft.html"]),
        ("a.c", ["a/b.html", "a/c/d.html", "a/c/draft.html", "draft.html", "e.html"]),
    ],
)
def test_crawl_exclude_understands_globs(tmp_path, glob, left):
    write(tmp_path, a__b="<p>", a__c__d="<p>", a__c__draft="<p>", draft="<p>", e="<p>")
    assert paths(crawl(tmp_path, glob)) == left


def test_crawl_skips_generated_indexes_of_sphinx(tmp_path):
    write(tmp_path, a="<p>a", genindex="<p>g", **{"genindex-A": "<p>g", "py-modindex": "<p>m"})
    assert paths(crawl(tmp_path)) == ["a.html"]


def test_crawl_ends_on_a_symlink_loop(tmp_path):
    write(tmp_path, docs__a="<p>a")
    (tmp_path / "docs" / "again").symlink_to(tmp_path)
    assert paths(crawl(tmp_path)) == ["docs/a.html"]


def test_crawl_skips_a_broken_symlink(tmp_path):
    write(tmp_path, a="<p>a")
    (tmp_path / "b.html").symlink_to(tmp_path / "gone.html")
    assert paths(crawl(tmp_path)) == ["a.html"]


# URLs


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("index.html", "./"),
        ("guide/index.html", "guide/"),
        ("guide/start.html", "guide/start.html"),
        ("my page.html", "my%20page.html"),
        ("über.html", "%C3%BCber.html"),
        ("a:b.html", "a%3Ab.html"),
        ("50%#1?.html", "50%25%231%3F.html"),
        ("myindex.html", "myindex.html"),
    ],
)
def test_url_of_links_below_any_base(path, url):
    assert url_of(path) == url


def test_crawl_accepts_file_names_that_are_not_utf8(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.html")).write_text("<p>x")
    [page] = crawl(tmp_path)
    assert page.url == "caf%E9.html"
    assert page.path.encode() == b"caf\\udce9.html"


# Encodings


@pytest.mark.parametrize(
    "content",
    [
        "<p>Größe €".encode(),
        b"\xef\xbb\xbf" + "<p>Größe €".encode(),
        b"\xff\xfe" + "<p>Größe €".encode("utf-16-le"),
        b"\xfe\xff" + "<p>Größe €".encode("utf-16-be"),
        b"<meta charset=iso-8859-1>" + "<p>Größe €".encode("cp1252"),
        b'<META content="text/html; charset=ISO-8859-15" http-equiv=Content-Type>'
        + "<p>Größe €".encode("iso8859-15"),
        b"<meta charset='no-such-thing'>" + "<p>Größe €".encode(),
        b"<meta charset=base64>" + "<p>Größe €".encode(),
    ],
    ids=["utf-8", "bom", "utf-16le", "utf-16be", "latin1 as browsers", "latin9", "unknown", "not text"],
)
def test_crawl_decodes_as_declared(tmp_path, content):
    write(tmp_path, a=content)
    assert crawl(tmp_path)[0].html.endswith("<p>Größe €")


def test_crawl_warns_of_a_page_that_is_not_utf8_and_goes_on(tmp_path):
    write(tmp_path, a=b"<p>caf\xe9", b="<p>b")
    found, warnings = crawl_warned(tmp_path)
    assert found == ["b.html"]
    assert warnings == [
        "a.html: expected UTF-8 text, got byte 0xe9 at offset 6. "
        "The page was skipped: save it as UTF-8, or declare its encoding in <meta charset>."
    ]


def test_crawl_warns_of_a_page_that_vanished(tmp_path):
    write(tmp_path, a="<p>a", b="<p>b")
    warnings: list[str] = []
    pages = crawl_site(tmp_path, CrawlOptions(warn=warnings.append))
    (tmp_path / "b.html").unlink()
    assert paths(list(pages)) == ["a.html"]
    assert warnings == [
        "b.html: expected a readable file or folder, got: No such file or directory. It was skipped."
    ]


@pytest.mark.parametrize("content", ["", "\0\0", "<", "<!--", "<html><frameset>", "]]>", "<p" * 1000])
def test_crawl_survives_broken_html(tmp_path, content):
    write(tmp_path, a=content)
    assert paths(crawl(tmp_path)) == ["a.html"]


# What a page says of itself


def test_crawl_reads_language_and_title(tmp_path):
    write(tmp_path, a="<html lang=pt_BR><title> Um\n título </title><p>x")
    [page] = crawl(tmp_path)
    assert (page.lang, page.title) == ("pt-BR", "Um título")


@pytest.mark.parametrize("lang", ["", "{{ lang }}", "x"])
def test_crawl_leaves_an_unusable_language_empty(tmp_path, lang):
    write(tmp_path, a=f'<html lang="{lang}"><p>x')
    assert crawl(tmp_path)[0].lang == ""


def test_crawl_cuts_the_suffix_that_titles_share(tmp_path):
    write(
        tmp_path,
        a="<title>Install | Tool docs</title>",
        b="<title>Use - a guide | Tool docs</title>",
        c="<title>Tool docs</title>",
    )
    assert [page.title for page in crawl(tmp_path)] == ["Install", "Use - a guide", "Tool docs"]


def test_crawl_keeps_a_dash_that_belongs_to_one_title(tmp_path):
    write(tmp_path, a="<title>Nice - France</title>", b="<title>Bonn - Germany</title>")
    assert [page.title for page in crawl(tmp_path)] == ["Nice - France", "Bonn - Germany"]


REFRESH = '<meta http-equiv="Refresh" content="0; URL=new.html">'


@pytest.mark.parametrize(
    ("head", "is_read"),
    [
        (REFRESH, False),
        (f"<noscript>{REFRESH}</noscript>", True),
        ('<meta http-equiv="refresh" content="300">', True),
        ('<meta name="robots" content="noindex, follow">', False),
        ('<meta name="ROBOTS" content="NONE">', False),
        ('<meta name="robots" content="index">', True),
        ('<link rel="canonical" href="https://example.org/else">', True),
    ],
)
def test_crawl_skips_redirects_and_noindex(tmp_path, head, is_read):
    write(tmp_path, a=f"<head>{head}</head><p>a", b="<p>b")
    assert ("a.html" in paths(crawl(tmp_path))) == is_read


def test_crawl_reads_noindex_on_request(tmp_path):
    write(tmp_path, a="<meta name=robots content=noindex><p>a")
    assert paths(list(crawl_site(tmp_path, CrawlOptions(include_noindex=True)))) == ["a.html"]


# Pagefind


def test_crawl_skips_pages_without_body_mark_once_any_has_it(tmp_path):
    write(tmp_path, a="<p>a", b="<main data-pagefind-body>b</main>", c="<p>data-pagefind-body")
    assert paths(crawl(tmp_path)) == ["b.html"]


def test_crawl_ignores_a_body_mark_that_is_only_text(tmp_path):
    write(tmp_path, a="<p>a", b="<code>data-pagefind-body</code>")
    assert paths(crawl(tmp_path)) == ["a.html", "b.html"]


def test_crawl_reads_pagefind_meta(tmp_path):
    write(
        tmp_path,
        a="""<a href="/" title="Home" data-pagefind-meta="text, label[title], other:One, two: three">
        Hello <b>World</b></a><img src=x.png alt=X data-pagefind-meta="image[src], image_alt[alt]">
        <i data-pagefind-default-meta="text:lost, kept">K</i><i data-pagefind-default-meta="kept">K</i>""",
    )
    assert crawl(tmp_path)[0].meta == {
        "text": "Hello World",
        "label": "Home",
        "other": "One, two: three",
        "image": "x.png",
        "image_alt": "X",
        "kept": "K",
    }


def test_crawl_reads_pagefind_filters_with_all_their_values(tmp_path):
    write(
        tmp_path,
        a="""<meta data-pagefind-filter="site[content]" content="Docs">
        <b data-pagefind-filter="author">Ada</b> <b data-pagefind-filter="author">Alan</b>
        <b data-pagefind-filter="author:Ada">""",
    )
    assert crawl(tmp_path)[0].filters == {"site": ("Docs",), "author": ("Ada", "Alan")}


def test_crawl_reads_values_in_ignored_content_but_not_in_excluded(tmp_path):
    write(
        tmp_path,
        a="""<div data-pagefind-ignore><b data-pagefind-meta=a>A</b></div>
        <div data-pagefind-ignore=all><p><b data-pagefind-meta=b>B</b></div>""",
    )
    assert crawl(tmp_path)[0].meta == {"a": "A"}


@pytest.mark.parametrize("declaration", ["", ",", "[", "]x", "a[", "a[]", ":", "a[b]c"])
def test_crawl_survives_malformed_pagefind_values(tmp_path, declaration):
    write(tmp_path, a=f'<p data-pagefind-meta="{declaration}">x')
    assert crawl(tmp_path)[0].meta == {}


# Sites that cannot be used


def test_crawl_rejects_a_missing_folder(tmp_path):
    with pytest.raises(UsageError, match=r"gone: expected the folder of a built site, got nothing\. Build"):
        crawl_site(tmp_path / "gone", CrawlOptions())


def test_crawl_rejects_a_file(tmp_path):
    write(tmp_path, a="<p>")
    with pytest.raises(UsageError, match="got a file"):
        crawl_site(tmp_path / "a.html", CrawlOptions())


def test_crawl_rejects_a_folder_without_html(tmp_path):
    put(tmp_path, "README.md", "# Hi")
    with pytest.raises(InputError, match=r"expected HTML files \(\*\.html, \*\.htm\), got none\. Build"):
        crawl_site(tmp_path, CrawlOptions())


def test_crawl_names_why_no_page_is_left(tmp_path):
    write(tmp_path, a=REFRESH, b=REFRESH, c="<meta name=robots content=noindex>")
    with pytest.raises(InputError, match="expected pages to index, got 2 redirecting, 1 marked noindex"):
        crawl(tmp_path)

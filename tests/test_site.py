"""`latefind site`: the pages, their links, and what stands in them."""

import json
import re
import struct
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser
from small_docs import write, write_docs

from latefind.errors import InputError, UsageError
from latefind_build.config import Config, NavGroup, SiteConfig
from latefind_build.modules import read_code
from latefind_build.paths import web_dir
from latefind_build.site import build_site
from latefind_build.theme import theme_names

LEVEL_AA = 4.5
"""Contrast of text by WCAG 2.2, criterion 1.4.3."""


@pytest.fixture
def content(tmp_path):
    return write_docs(tmp_path / "docs")


def page(output: Path, name: str) -> LexborHTMLParser:
    return LexborHTMLParser((output / name).read_text(encoding="utf-8"))


def links(document: LexborHTMLParser, selector: str) -> list[str]:
    return [node.attributes["href"] for node in document.css(selector)]


def test_site_pages_have_clean_addresses(content, tmp_path):
    write(content, api__index_md="# API", api__errors_md="# Errors")

    site = build_site(content, tmp_path / "out", Config())

    assert {(page.url, page.path, page.title) for page in site.pages} == {
        ("", "index.html", "Welcome"),
        ("guide/", "guide/index.html", "Guide"),
        ("api/", "api/index.html", "API"),
        ("api/errors/", "api/errors/index.html", "Errors"),
    }
    assert all((tmp_path / "out" / page.path).is_file() for page in site.pages)


@pytest.mark.parametrize(
    ("source", "link", "href"),
    [
        ("index.md", "guide.md", "guide/"),
        ("index.md", "guide.md#use", "guide/#use"),
        ("index.md", "guide.md?a=b#use", "guide/?a=b#use"),
        ("guide.md", "index.md", "../"),
        ("guide.md", "#use", "#use"),
        ("guide.md", "a/b.md", "../a/b/"),
        ("guide.md", "a/", "../a/"),
        ("a/b.md", "../guide.md", "../../guide/"),
        ("a/b.md", "index.md", "../"),
        ("a/b.md", "/guide.md", "../../guide/"),
        ("a/b.md", "/search/", "../../search/"),
        ("a/b.md", "two%20words.md", "../two%20words/"),
        ("a/b.md", "../pictures/x.svg", "../../pictures/x.svg"),
        ("index.md", "https://example.org/x.md", "https://example.org/x.md"),
        ("index.md", "mailto:a@example.org", "mailto:a@example.org"),
    ],
)
def test_site_link_is_rewritten(content, tmp_path, source, link, href):
    write(content, a__index_md="# A", a__b_md="# B")
    (content / "a/two words.md").write_text("# Two")
    (content / "pictures").mkdir()
    (content / "pictures/x.svg").write_text("<svg/>")
    (content / source).write_text(f"# T\n\n## Use\n\n[here]({link})\n")

    site = build_site(content, tmp_path / "out", Config())

    path = next(page.path for page in site.pages if page.source == content / source)
    assert links(page(tmp_path / "out", path), "article p a") == [href]


def test_site_every_link_below_a_sub_path_leads_to_a_file(content, tmp_path):
    write(content, a__b_md="# B\n\n[home](../index.md)")
    output = tmp_path / "out"

    site = build_site(content, output, Config())

    for name in [page.path for page in site.pages]:
        document = page(output, name)
        # The element's script, modules and styles come with the index, which is made afterwards.
        targets = links(document, "a[href], link[href]:not([rel=modulepreload]):not([rel=preload])")
        targets += [node.attributes["src"] for node in document.css("[src]:not([type=module])")]
        for target in targets:
            path = ((output / name).parent / target.partition("#")[0].partition("?")[0]).resolve()
            assert not target.startswith("/")
            assert path.is_file() or (path / "index.html").is_file(), f"{name}: {target}"


def test_site_lists_every_broken_link_with_file_and_line(content, tmp_path):
    (content / "guide.md").write_text(
        "[a](gide.md)\n\n[b](index.md#welcom)\n\n![c](no.png)\n\n<a href='/x.md'>\n\n[d](../up.md)\n"
    )

    with pytest.raises(InputError) as error:
        build_site(content, tmp_path / "out", Config())

    lines = str(error.value).splitlines()
    heads = [
        "1: link 'gide.md'",
        "3: link 'index.md#welcom'",
        "5: link 'no.png'",
        "7: link '/x.md'",
        "9: link '../up.md'",
    ]
    assert [line.partition(": expected")[0] for line in lines[1:]] == [
        f"{content}/guide.md:{head}" for head in heads
    ]
    assert lines[0].startswith(
        f"{content}/index.md:3: link 'guide.md#use': expected a heading or id of guide/"
    )
    assert "Did you mean 'guide.md'?" in lines[1]
    assert "Did you mean '#welcome'?" in lines[2]


def test_site_copies_files_but_none_that_begin_with_dot_or_underscore(content, tmp_path):
    (content / "images").mkdir()
    (content / "_drafts").mkdir()
    for name in ("images/a.png", "_drafts/b.md", "_c.txt", ".hidden"):
        (content / name).write_bytes(b"\x89 bytes")

    site = build_site(content, tmp_path / "out", Config())

    assert site.assets == ("images/a.png",)
    assert (tmp_path / "out/images/a.png").read_bytes() == b"\x89 bytes"
    assert not (tmp_path / "out/_drafts").exists()


def test_site_navigation_follows_the_configuration_then_order_then_path(content, tmp_path):
    write(
        content, z_md="---\norder: 1\n---\n", b_md="# B", c_md="# C", api__index_md="# API", api__x_md="# X"
    )
    config = Config(site=SiteConfig(nav=(NavGroup("Start", ("c.md", "index.md")),)))

    build_site(content, tmp_path / "out", config)

    side = page(tmp_path / "out", "index.html").css_first(".side")
    assert [node.text() for node in side.css("a")] == ["C", "Welcome", "Z", "B", "Guide", "API", "X"]
    assert [node.text() for node in side.css(".group")] == ["Start", "API"]
    assert [node.text() for node in side.css("[aria-current]")] == ["Welcome"]


def test_site_navigation_that_names_no_page_is_a_usage_error(content, tmp_path):
    config = Config(site=SiteConfig(nav=(NavGroup("", ("giude.md",)),)))

    with pytest.raises(UsageError, match=r"site\.nav: .*'giude\.md'\. Did you mean 'guide\.md'\?"):
        build_site(content, tmp_path / "out", config)


def test_site_page_has_title_description_contents_and_neighbours(content, tmp_path):
    (content / "guide.md").write_text(
        "---\ntitle: Guide\ndescription: How to.\n---\n## Use\n\n### Fast\n\n## End\n"
    )
    (content / "index.md").write_text("# Welcome")
    write(content, zoo_md="# Zoo")

    build_site(content, tmp_path / "out", Config(site=SiteConfig(title="Orchard")))

    guide = page(tmp_path / "out", "guide/index.html")
    assert guide.css_first("title").text() == "Guide · Orchard"
    assert guide.css_first("meta[name=description]").attributes["content"] == "How to."
    assert guide.css_first("h1#guide").text() == "Guide"
    assert links(guide, ".toc a") == ["#use", "#fast", "#end"]
    assert links(guide, ".turn a") == ["../", "../zoo/"]


def test_site_page_with_a_heading_of_its_own_gets_no_second_one(content, tmp_path):
    build_site(content, tmp_path / "out", Config())

    assert [node.text() for node in page(tmp_path / "out", "index.html").css("h1")] == ["Welcome"]


def test_site_search_indexes_the_article_and_not_the_search_page(content, tmp_path):
    build_site(content, tmp_path / "out", Config())

    assert (
        page(tmp_path / "out", "guide/index.html").css_first("article[data-pagefind-body] #use") is not None
    )
    for name in ("search/index.html", "404.html"):
        assert page(tmp_path / "out", name).css_first("meta[name=robots]").attributes["content"] == "noindex"


def test_site_search_page_embeds_the_element_of_the_configured_bundle(content, tmp_path):
    build_site(content, tmp_path / "out", Config(output_subdir="assets/find"))

    search = page(tmp_path / "out", "search/index.html")
    assert search.css_first("latefind-search").attributes["base"] == "../assets/find/"
    scripts = {script.attributes["src"] for script in search.css("script[type=module]")}
    code = f"../assets/find/{read_code().folder}"
    assert scripts == {f"{code}latefind-ui.js", f"{code}latefind-offline.js"}


@pytest.mark.parametrize(
    ("text", "pwa", "scripts"),
    [
        ("Keep it: <latefind-offline></latefind-offline>", None, ["latefind-offline.js"]),
        ("Keep it: <latefind-offline></latefind-offline>", False, []),
        ("Nothing to keep.", None, []),
    ],
)
def test_site_loads_the_offline_element_where_a_page_has_it(content, tmp_path, text, pwa, scripts):
    (content / "keep.md").write_text(f"# Keep\n\n{text}")

    build_site(content, tmp_path / "out", Config(pwa=pwa))

    found = page(tmp_path / "out", "keep/index.html").css("script[type=module]")
    code = f"../latefind/{read_code().folder}"
    assert [script.attributes["src"] for script in found] == [
        code + name for name in (*scripts, "latefind-ui.js")
    ]


def test_site_header_search_is_a_plain_form(content, tmp_path):
    build_site(content, tmp_path / "out", Config())

    form = page(tmp_path / "out", "guide/index.html").css_first("latefind-search form[role=search]")
    assert (form.attributes["action"], form.attributes["method"]) == ("../search/", "get")
    assert form.css_first("input[name=q]") is not None


def test_site_text_of_the_author_is_escaped(content, tmp_path):
    (content / "index.md").write_text('---\ntitle: "<b> & co"\ndescription: <i>\n---\ntext')

    build_site(content, tmp_path / "out", Config(site=SiteConfig(title="<u>")))

    document = page(tmp_path / "out", "index.html")
    assert document.css_first("h1").text() == "<b> & co"
    assert document.css("b, i, u") == []


def test_site_has_nothing_inline_and_nothing_from_elsewhere(content, tmp_path):
    (content / "table.md").write_text("# Table\n\n| a | b | c |\n|:--|:-:|--:|\n| 1 | 2 | 3 |\n")
    build_site(content, tmp_path / "out", Config(site=SiteConfig(url="https://example.org/docs/")))

    for path in (tmp_path / "out").rglob("*.html"):
        document = page(path.parent, path.name)
        assert document.css("style, [style], script:not([src]), iframe") == []
        assert not re.search(r"\son\w+=", path.read_text())
        for node in document.css("[src], link[href]:not([rel=canonical])"):
            address = node.attributes.get("src") or node.attributes["href"]
            assert not address.startswith(("http", "//"))
    for path in (tmp_path / "out/latefind-theme").iterdir():
        text = path.read_text(errors="replace").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"@import|url\(|https?://", text)


def test_site_url_gives_canonical_links_a_sitemap_and_an_absolute_404_page(content, tmp_path):
    (content / "two words.md").write_text("# Two")
    output = tmp_path / "out"

    build_site(content, output, Config(site=SiteConfig(url="https://example.org/docs/")))

    assert links(page(output, "guide/index.html"), "[rel=canonical]") == ["https://example.org/docs/guide/"]
    assert re.findall("<loc>(.*?)</loc>", (output / "sitemap.xml").read_text()) == [
        "https://example.org/docs/",
        "https://example.org/docs/guide/",
        "https://example.org/docs/two%20words/",
    ]
    assert links(page(output, "404.html"), "link[rel=stylesheet]") == [f"/docs/{theme_names()['theme.css']}"]


def test_site_web_manifest_names_the_site_and_its_icons(content, tmp_path):
    build_site(content, tmp_path / "out", Config(site=SiteConfig(title="Orchard", language="nl")))

    manifest = json.loads((tmp_path / "out/manifest.webmanifest").read_text())
    assert (manifest["name"], manifest["lang"], manifest["start_url"]) == ("Orchard", "nl", "./")
    assert (manifest["scope"], manifest["display"]) == ("./", "minimal-ui")
    for icon in manifest["icons"]:
        data = (tmp_path / "out" / icon["src"]).read_bytes()
        if icon["type"] == "image/png":
            width, height = struct.unpack(">II", data[16:24])
            assert icon["sizes"] == f"{width}x{height}"
    assert {icon["sizes"] for icon in manifest["icons"]} >= {"any", "192x192", "512x512"}
    assert [icon["sizes"] for icon in manifest["icons"] if icon.get("purpose") == "maskable"] == ["512x512"]


def test_site_is_the_same_for_the_same_input(content, tmp_path):
    build_site(content, tmp_path / "a", Config())
    build_site(content, tmp_path / "b", Config())

    files = {path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file()}
    assert all((tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes() for path in files)
    assert len(files) > 8


def colours(scheme: int) -> dict[str, str]:
    """The theme's variables; scheme 0 is light, 1 is dark."""
    css = (web_dir() / "templates/site/site.css").read_text()
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", css)
    return {name: values[scheme] for name, *values in pairs}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("backgrounds", "texts"),
    [
        ("paper raised sunken", "ink quiet accent"),
        ("paper", "note tip important warning caution"),
        ("sunken", "code-ink code-quiet code-keyword code-name code-string code-number"),
        ("accent-soft", "accent"),
        ("accent", "paper"),
    ],
)
def test_theme_text_has_contrast(scheme, backgrounds, texts):
    palette = colours(scheme)

    for background in backgrounds.split():
        for text in texts.split():
            ratio = contrast(palette[background], palette[text])
            assert ratio >= LEVEL_AA, f"{text} on {background}: {ratio:.2f}"

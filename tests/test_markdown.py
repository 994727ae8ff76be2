"""Markdown: the HTML that comes out, the anchors that a link may point to, the lines of its links."""

from pathlib import Path

import pytest

from latefind.errors import InputError
from latefind_build.markdown import FrontMatter, Heading, parse, render


def to_html(source: str) -> str:
    return render(parse(source, Path("page.md")), lambda link, line: link)


def links_of(source: str) -> list[tuple[str, int]]:
    """Every link of the page with the line that it is reported at."""
    seen = []

    def note(link: str, line: int) -> str:
        seen.append((link, line))
        return link

    render(parse(source, Path("page.md")), note)
    return seen


def test_markdown_heading_gets_an_id_and_a_permalink_without_text():
    assert to_html("## Keep it up to date") == (
        '<h2 id="keep-it-up-to-date">Keep it up to date'
        '<a class="header-anchor" href="#keep-it-up-to-date" aria-label="Link to this section"></a></h2>\n'
    )


def test_markdown_equal_headings_get_different_ids():
    anchors = parse("## Use\n\n## Use\n", Path("page.md")).anchors

    assert anchors == {"use", "use-1"}


def test_markdown_heading_in_any_script_gets_an_id():
    assert parse("## Über die Größe\n\n## 検索\n", Path("page.md")).anchors == {"über-die-größe", "検索"}


def test_markdown_heading_may_state_its_id():
    document = parse("## Vectors (kind 1) {#vectors}\n\n## Vectors\n\n## `{#code}`\n", Path("page.md"))

    assert document.headings == (
        Heading(2, "vectors", "Vectors (kind 1)"),
        Heading(2, "vectors-1", "Vectors"),
        Heading(2, "code", "{#code}"),
    )


def test_markdown_headings_leave_out_those_inside_quotations():
    document = parse("# One `code`\n\n> ## Quoted\n\n## Two\n", Path("page.md"))

    assert document.headings == (Heading(1, "one-code", "One code"), Heading(2, "two", "Two"))


def test_markdown_anchors_include_ids_in_raw_html():
    document = parse(
        '<a name="old"></a> and <span id="new">x</span>\n\n<div id="block">\n</div>\n', Path("p.md")
    )

    assert document.anchors == {"old", "new", "block"}


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("~~gone~~", "<s>gone</s>"),
        ("- [x] done", 'type="checkbox"'),
        ("a[^1]\n\n[^1]: note", 'class="footnotes"'),
        ("> [!WARNING]\n> Hot.", '<div class="markdown-alert markdown-alert-warning">'),
        ("<b>raw</b>", "<p><b>raw</b></p>"),
        ("2 < 3 & 4", "2 &lt; 3 &amp; 4"),
    ],
)
def test_markdown_extension(source, html):
    assert html in to_html(source)


def test_markdown_table_scrolls_in_a_box_of_its_own():
    html = to_html("| a |\n|---|\n| b |\n")

    assert html.startswith('<div class="table" role="group" aria-label="Table" tabindex="0"><table>')
    assert html.endswith("</table></div>\n")


def test_markdown_code_is_highlighted_with_classes_and_no_styles():
    html = to_html("```python\ndef f(): return 1\n```\n")

    assert '<code class="language-python"><span class="k">def</span>' in html
    assert "style=" not in html


def test_markdown_code_in_an_unknown_language_is_escaped_text():
    html = to_html("```no-such-language\n<script>\n```\n")

    assert '<code class="language-no-such-language">&lt;script&gt;\n</code>' in html


def test_markdown_code_keeps_its_blank_lines_and_indentation():
    html = to_html("```python\n\n    x\n\n```\n")

    assert html.replace('<span class="n">x</span>', "x").count("\n    x\n\n</code>") == 1


def test_markdown_indented_code_is_a_block():
    assert to_html("    a < b\n") == (
        '<div class="highlight"><pre tabindex="0"><code>a &lt; b\n</code></pre></div>\n'
    )


def test_markdown_front_matter_is_read_and_not_shown():
    source = '---\ntitle: "A: b"\nnav_title: A\ndescription: It\'s one.\norder: 3\n---\nText\n'

    assert parse(source, Path("page.md")).front == FrontMatter("A: b", "A", "It's one.", 3)
    assert to_html(source).strip() == "<p>Text</p>"


def test_markdown_front_matter_of_other_generators_is_left_alone():
    source = "---\ntitle: T\ntags:\n  - a\n  - title: no\ndate: 2020-01-01\n---\n"

    assert parse(source, Path("page.md")).front == FrontMatter(title="T")


def test_markdown_front_matter_order_that_is_no_number_names_file_and_line():
    with pytest.raises(InputError, match=r"^page\.md:3: order: expected a whole number, got 'first'\."):
        parse("---\ntitle: T\norder: first\n---\n", Path("page.md"))


@pytest.mark.parametrize(
    ("source", "title"),
    [("---\ntitle: Front\n---\n# Heading", "Front"), ("# Heading\n", "Heading"), ("text", "Quick start")],
)
def test_markdown_title_is_front_matter_then_heading_then_file_name(source, title):
    assert parse(source, Path("docs/quick-start.md")).title == title


def test_markdown_title_id_differs_from_the_ids_of_headings():
    assert parse("---\ntitle: Use\n---\n## Use\n", Path("page.md")).title_id == "use-page"


def test_markdown_byte_order_mark_is_dropped():
    assert parse("\ufeff---\ntitle: T\n---\n", Path("page.md")).front.title == "T"


@pytest.mark.parametrize(
    ("source", "links"),
    [
        ("[a](x.md)", [("x.md", 1)]),
        ("one\n[a](x.md) two\nthree [b](y.md)", [("x.md", 2), ("y.md", 3)]),
        ("---\ntitle: T\n---\n\n[a](x.md)", [("x.md", 5)]),
        ("![p](x.png)", [("x.png", 1)]),
        ("[a][r]\n\n[r]: x.md", [("x.md", 1)]),
        ("- one\n- [a](x.md)", [("x.md", 2)]),
        ("| a |\n|---|\n| [a](x.md) |", [("x.md", 3)]),
        ("text\n\n<a href=\"x.md\">a</a> <img src='y.png'>", [("x.md", 3), ("y.png", 3)]),
        ('<p>\n<a class="b" href="x.md">', [("x.md", 1)]),
        ("`[a](x.md)` and `<a href='x'>`", []),
        ("## Heading", []),
    ],
)
def test_markdown_link_is_resolved_with_its_line(source, links):
    assert links_of(source) == links


def test_markdown_link_in_raw_html_is_escaped():
    html = render(parse('<a href="x.md">a</a>', Path("page.md")), lambda link, line: '../x/?a="&b')

    assert html == '<p><a href="../x/?a=&#34;&amp;b">a</a></p>\n'

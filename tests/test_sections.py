import time

import pytest

from latefind.passages import Section
from latefind_build.crawl import Page
from latefind_build.sections import split_sections


def split(html: str, **fields: object) -> list[Section]:
    values: dict[str, object] = {"path": "p.html", "url": "p.html", "html": html, **fields}
    return split_sections(Page(**values))  # type: ignore[arg-type]


def anchors(html: str) -> list[tuple[str, str, str]]:
    """(anchor, title, text) of each section."""
    return [(section.url.partition("#")[2], section.title, section.text) for section in split(html)]


def text(html: str) -> str:
    """All text of a page whose body is ``html``."""
    return "\n".join(section.text for section in split(html))


# Where sections begin


@pytest.mark.parametrize(
    "markup",
    [
        '<h2 id="x">T</h2><p>b',
        '<section id="x"><h2>T</h2><p>b</section>',
        '<section id="x"><span id="y"></span><h2>T</h2><p>b</section>',
        '<div class="section" id="x"><h2>T</h2><p>b<div id="z"><h3>T3</h3></div></div>',
        '<section id="x"><div><div><h2>T</h2></div><p>b</div></section>',
        '<h2><a id="x"></a>T</h2><p>b',
        '<h2><a name="x">T</a></h2><p>b',
        '<h2><span class="mw-headline" id="x">T</span></h2><p>b',
        '<h2><a id="x" class="anchor" aria-hidden="true" href="#x"></a>T</h2><p>b',
        '<a id="x"></a>\n<h2>T</h2><p>b',
        '<p><a name="x"></a></p><h2>T</h2><p>b',
    ],
)
def test_sections_find_the_anchor_of_a_heading(markup):
    assert anchors(f"<main><h1>Page</h1><p>a</p>{markup}")[:2] == [("", "Page", "a"), ("x", "T", "b")]


@pytest.mark.parametrize(
    "markup",
    [
        "<h2>T</h2>",
        "<h2 id=''>T</h2>",
        "<a id=x>words</a><h2>T</h2>",
        "<a id=x></a> words <h2>T</h2>",
        "<p id=x>words</p><h2>T</h2>",
        "<div id=x><h2>T</h2><h2>T2</h2></div>",
    ],
)
def test_sections_do_not_borrow_a_foreign_anchor(markup):
    sections = split(f"<main><h1>Page</h1>{markup}<p>b")
    assert [section.url for section in sections] == ["p.html"]
    assert "T" in sections[0].text.split("\n")


def test_sections_give_a_container_to_its_first_heading_only():
    html = "<main><section id=x><h2>A</h2><p>a</p><h2>B</h2><p>b</p></section>"
    assert anchors(html) == [("x", "A", "a\nB\nb")]


def test_sections_keep_headings_without_id_in_the_text_before():
    html = "<main><h1>Page</h1><h2 id=x>X</h2><p>a</p><h3>Plain</h3><p>b"
    assert anchors(html) == [("", "Page", ""), ("x", "X", "a\nPlain\nb")]


def test_sections_start_with_the_page_itself():
    html = "<main><p>lead</p><h1 id=top>Page</h1><p>intro</p><h2 id=x>X</h2><p>x"
    assert anchors(html) == [("", "Page", "lead\nintro"), ("x", "X", "x")]


def test_sections_treat_further_h1_as_headings():
    html = "<main><h1 id=a>A</h1><p>a</p><h1 id=b>B</h1><p>b"
    assert anchors(html) == [("", "A", "a"), ("b", "B", "b")]


def test_sections_use_an_anchor_once():
    html = "<main><h2 id=x>A</h2><p>a</p><h2 id=x>B</h2><p>b</p><h2 id=x><a id=y></a>C</h2><p>c"
    assert anchors(html) == [("x", "A", "a\nB\nb"), ("y", "C", "c")]


def test_sections_escape_anchors():
    [section] = split('<main><h2 id="größe (5 %)">T</h2><p>b')
    assert section.id == section.url == "p.html#gr%C3%B6%C3%9Fe%20(5%20%25)"


def test_sections_have_a_breadcrumb_of_page_and_enclosing_headings():
    html = """<main><h1>Page</h1><p>p<h2 id=a>A</h2><p>a<h3 id=b>B</h3><p>b<h4 id=c>C</h4><p>c
    <h2 id=d>D</h2><p>d<h4 id=e>E</h4><p>e<h2>Plain</h2><h3 id=f>F</h3><p>f"""
    assert {section.title: list(section.breadcrumb) for section in split(html)} == {
        "Page": [],
        "A": ["Page"],
        "B": ["Page", "A"],
        "C": ["Page", "A", "B"],
        "D": ["Page"],
        "E": ["Page", "D"],
        "F": ["Page"],
    }


def test_sections_drop_headings_that_only_hold_others_but_not_questions():
    html = "<main><h1>FAQ</h1><h2 id=a>Group</h2><h3 id=b>Why?</h3><h3 id=c>How?</h3><p>So.</p>"
    assert anchors(html) == [("", "FAQ", ""), ("b", "Why?", ""), ("c", "How?", "So.")]


@pytest.mark.parametrize("html", ["", "<title>Only a title</title>", "<main></main>", "<h2 id=x></h2>", "\0"])
def test_sections_of_a_page_without_text_are_none(html):
    assert split(html, title="Only a title") == []


def test_sections_carry_language_meta_and_filters():
    [section] = split("<p>x", lang="de", meta={"a": "b"}, filters={"c": ("d",)})
    assert (section.lang, section.meta, section.filters) == ("de", {"a": "b"}, {"c": ("d",)})


# Titles


@pytest.mark.parametrize(
    "heading",
    [
        'Title<a class="headerlink" href="#x" title="Permalink to this heading">¶</a>',
        'Title <a class="header-anchor" href="#x" aria-label="Permalink to “Title”">\u200b</a>',
        '<a class="anchor" aria-hidden="true" href="#x"><svg><path></svg></a>Title',
        '<a href="#x">#</a> Title',
        '<a class="header-anchor" href="#x"><span>Title</span></a>',
        '<a href="#x">Title</a>',
        "<code>Ti</code>tle",
        "<span>Title</span><br>",
        "Title ¶",
        '<button type="button">Title</button>',
        '<img src="logo.svg" alt="Title">',
        "Ti\xadtle",
    ],
)
def test_sections_title_is_free_of_permalink_marks(heading):
    assert anchors(f"<main><h2 id=x>{heading}</h2><p>b") == [("x", "Title", "b")]


def test_sections_title_keeps_a_sharp_of_its_own():
    assert anchors("<main><h2 id=x>C#</h2><p>b") == [("x", "C#", "b")]


def test_sections_take_the_page_title_from_h1_before_title():
    assert split("<main><h1>Heading</h1><p>x", title="Title")[0].title == "Heading"


def test_sections_take_the_page_title_from_title_without_h1():
    assert split("<main><p>x", title="Title")[0].title == "Title"


def test_sections_take_the_page_title_from_pagefind_and_keep_the_h1_as_text():
    [section] = split("<main><h1>Heading</h1><p>x", title="Title", meta={"title": "Mine"})
    assert (section.title, section.text) == ("Mine", "Heading\nx")


def test_sections_shorten_a_paragraph_marked_as_heading_and_keep_its_text():
    long = "word " * 100
    [section] = split(f"<main><h2 id=x>{long}</h2><p>b")
    assert len(section.title) <= 200
    assert section.title.endswith("word…")
    assert section.text == f"{long.strip()}\nb"


# What is content


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("<p>no</p><main><p>yes</p></main><aside>no</aside>", "yes"),
        ("<p>no</p><div role=main><p>yes</p></div>", "yes"),
        ("<p>no</p><article>yes</article><article>too</article>", "yes\ntoo"),
        ("<article>yes<article>inner</article></article>", "yes\ninner"),
        ("<header>no</header><p>yes</p><footer>no</footer><aside>no</aside>", "yes"),
        ("<main>no<div data-pagefind-body>yes</div></main><b data-pagefind-body>too</b>", "yes\ntoo"),
        ("<body data-pagefind-ignore><main>no</main></body>", ""),
    ],
)
def test_sections_read_the_main_content(body, content):
    assert text(body) == content


@pytest.mark.parametrize(
    "markup",
    [
        "<nav>no</nav>",
        "<header>no</header>",
        "<footer>no</footer>",
        "<script>no</script><style>no</style><template>no</template><noscript>no</noscript>",
        "<select><option>no</select><textarea>no</textarea><button>no</button>",
        "<svg><text>no</text></svg>",
        "<div hidden>no</div><div aria-hidden=true>no</div><dialog>no</dialog>",
        "<div data-pagefind-ignore>no</div><div data-pagefind-ignore=all>no</div>",
        "<div role=navigation>no</div><div class='toctree-wrapper compound'>no</div>",
        "<!-- no -->",
        "<span class=linenos>1</span>",
        '<dt>b<a class="headerlink" href="#b">¶</a></dt>',
    ],
)
def test_sections_leave_out_what_is_no_content(markup):
    assert text(f"<main><p>a</p>{markup}<p>c</p>").replace("b\n", "") == "a\nc"


@pytest.mark.parametrize(
    "markup",
    [
        "<aside>yes</aside>",
        "<form>yes</form>",
        "<label>yes</label>",
        "<div hidden=until-found>yes</div>",
        "<div hidden role=tabpanel>yes</div>",
        "<details><summary>yes</summary></details>",
        "<header><h2>yes</h2></header>",
        '<p><a href="#x">yes</a></p>',
    ],
)
def test_sections_keep_what_looks_like_decoration_but_is_content(markup):
    assert text(f"<main><p>a</p>{markup}<p>c</p>") == "a\nyes\nc"


def test_sections_find_the_title_in_a_header_of_the_main_content():
    html = "<main><header><nav>no</nav><h1>Page</h1><p>By Ada</p></header><p>x</main>"
    assert anchors(html) == [("", "Page", "By Ada\nx")]


# Blocks


@pytest.mark.parametrize(
    ("markup", "blocks"),
    [
        ("<p>one\n  <b>two</b>  three</p>four", "one two three\nfour"),
        ("<p>a<p>b", "a\nb"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", "a\nb\nc"),
        ("<dl><dt>term<dd><p>a<p>b</dl>", "term\na\nb"),
        ("a<br>b", "a\nb"),
        ("<pre>one\n    two  three\n\nfour</pre>", "one\ntwo three\nfour"),
        ("<pre><span>de</span>f f():\n<span>  pass\n</span></pre>x", "def f():\npass\nx"),
        ("<table><tr><th>A<th>B<tr><td>1<td><p>2</p><p>3<br>4</table>", "A B\n1 2 3 4"),
        ("<table><tr><td><pre>a\nb</pre></table>", "a\nb"),
        ("a<span>b</span>c<i> d</i>", "abc d"),
        ("a\u00a0b\u2028c\x0bd", "a b c d"),
        ("so\xadft", "soft"),
        ("&lt;p&gt; &amp; &eacute; &#xD800;", "<p> & é \ufffd"),
    ],
)
def test_sections_text_has_a_line_for_each_block(markup, blocks):
    assert text(f"<main>{markup}</main>") == blocks


WORDY = """<title>t</title><nav>n1</nav><main><header><h1>w1 <em>w2</em><a class=headerlink href=#>¶</a></h1>
</header>w3<p>w4 <a href=x>w5</a></p>w6<section id=s><h2>w7</h2>w8<div id=d><p>w9<h3>w10</h3>w11</div>
<table><caption>w12</caption><tr><td>w13<td><ul><li>w14<li>w15</ul><tr><td><h3 id=h>w16</h3>w17</table>
</section><dl><dt id=t>w18<dd>w19</dl><pre>w20
w21</pre><blockquote>w22<p>w23</blockquote><details><summary>w24</summary>w25</details><h2 id=s>w26</h2>w27
<p>w28<div>w29</div>w30<article id=z><h2>w31</h2><b>w32<p>w33</b> w34</article></main><footer>n2</footer>"""


def test_sections_lose_no_word_and_double_none():
    words: list[str] = []
    for section in split(WORDY):
        words += [*section.title.split(), *section.text.split()]
    # What follows a definition list belongs to the section around it, so the order is not that of the page.
    assert sorted(words, key=lambda word: int(word[1:])) == [f"w{number}" for number in range(1, 35)]


# Hostile input


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000 + "x",
        "<main>" + "<ul><li>" * 50_000 + "x",
        "<main>" + "<b>" * 100_000 + "x",
        "<main>" + "<div id=a>" * 30_000 + "<h2>T</h2>x",
        "<main><h2 id=a>" + "<span>" * 100_000 + "x",
        "<main>" + "<a href='#'>" * 30_000 + "x",
        "<main>" + "<h2 id=a>T</h2>" * 30_000 + "x",
    ],
    ids=["div", "lists", "inline", "containers", "heading", "links", "headings"],
)
def test_sections_survive_deep_and_long_pages(html):
    start = time.perf_counter()
    sections = split(html)
    assert time.perf_counter() - start < 10
    assert any("x" in section.text or "x" in section.title for section in sections)


def test_sections_of_a_long_flat_page_are_not_cut_by_the_depth_limit():
    html = "<main>" + "<li>a<p>b" * 15_000 + "<div><h2 id=x>X</h2>c</div>"
    assert anchors(html)[-1] == ("x", "X", "c")


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<main><h2 id=x>T<p>b<table><td>c<td>d", set("Tbcd")),
        ("<main><p>a</h2></div>b</main>c", set("ab")),
        ("<h2 id=x>T<p>u<h2 id=y>V<p>w", set("TuVw")),
        ("<p>a\0b", set("ab")),
    ],
)
def test_sections_survive_unclosed_and_stray_tags(html, kept):
    letters = "".join(section.title + section.text for section in split(html))
    assert set("".join(letters.split())) == kept


def test_sections_open_at_a_term_with_an_id():
    page = """<main><h1>Functions</h1><p>All of them.<dl><dt id=abs>abs(x)<a class=headerlink href=#abs>¶</a>
      <dd>Absolute value.<dt id=round>round(n)<dd><p>Nearest integer.</dl><p>The end.</main>"""
    top, first, second = split(page)
    assert top.text == "All of them.\nThe end."
    assert (first.url, first.title, first.text) == ("p.html#abs", "abs(x)", "Absolute value.")
    assert (second.url, second.breadcrumb, second.text) == (
        "p.html#round",
        ("Functions",),
        "Nearest integer.",
    )


def test_sections_of_nested_terms_name_the_outer_one():
    page = """<main><h1>M</h1><h2 id=k>Kinds</h2><dl><dt id=C>class C<dd>A class.
      <dl><dt id=C.f>f()<dd>A method.</dl>More of C.</dl>After.</main>"""
    _, kinds, outer, inner = split(page)
    assert (kinds.title, kinds.text) == ("Kinds", "After.")
    assert (outer.title, outer.text) == ("class C", "A class.\nMore of C.")
    assert (inner.breadcrumb, inner.text) == (("M", "Kinds", "class C"), "A method.")


def test_sections_of_terms_that_share_a_definition_are_one():
    [_, section] = split("<main><h1>M</h1><p>x<dl><dt id=a>f(a)<dt id=b>f(b)<dd>Both.</dl></main>")
    assert (section.url, section.title, section.text) == ("p.html#a", "f(a)", "f(b)\nBoth.")


def test_sections_of_a_term_without_definition_give_it_to_the_section_around():
    page = "<main><h1>M</h1><h2 id=add>Adding</h2><dl><dt id=f>f(x)<dd></dl><p>It adds.</main>"
    assert anchors(page)[1:] == [("add", "Adding", "f(x)\nIt adds.")]

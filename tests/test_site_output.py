"""`latefind site`: what happens to the output folder, and which content is refused."""

from pathlib import Path

import pytest
from small_docs import write, write_docs

from latefind.errors import InputError, UsageError
from latefind_build.config import Config
from latefind_build.site import build_site


@pytest.fixture
def content(tmp_path):
    return write_docs(tmp_path / "docs")


def test_site_broken_link_leaves_the_previous_site(content, tmp_path):
    output = tmp_path / "out"
    build_site(content, output, Config())
    before = (output / "guide/index.html").read_text()
    (content / "guide.md").write_text("[a](none.md)")

    with pytest.raises(InputError):
        build_site(content, output, Config())

    assert (output / "guide/index.html").read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["docs", "out"]


def test_site_failure_before_publishing_leaves_nothing(content, tmp_path):
    def fail(staging: Path) -> None:
        assert (staging / "index.html").is_file()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_site(content, tmp_path / "out", Config(), before_publish=fail)

    assert [path.name for path in tmp_path.iterdir()] == ["docs"]


def test_site_replaces_a_site_that_it_made(content, tmp_path):
    build_site(content, tmp_path / "out", Config())
    (content / "guide.md").unlink()
    (content / "index.md").write_text("# Alone")

    build_site(content, tmp_path / "out", Config())

    assert not (tmp_path / "out/guide").exists()


def test_site_refuses_a_folder_with_other_files(content, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/letter.txt").write_text("Dear …")

    with pytest.raises(UsageError, match=r"home: expected .*, got other files"):
        build_site(content, tmp_path / "home", Config())

    assert (tmp_path / "home/letter.txt").read_text() == "Dear …"


@pytest.mark.parametrize("output", ["docs", "."])
def test_site_refuses_an_output_that_holds_the_content(content, tmp_path, output):
    with pytest.raises(UsageError, match="--output: expected a folder apart from the content"):
        build_site(content, tmp_path / output, Config())

    assert (content / "index.md").is_file()


def test_site_refuses_to_replace_a_git_checkout(content, tmp_path):
    build_site(content, tmp_path / "out", Config())
    (tmp_path / "out/.git").mkdir()

    with pytest.raises(UsageError, match="a git checkout"):
        build_site(content, tmp_path / "out", Config())


def test_site_output_inside_the_content_is_not_read_as_content(content):
    output = content / "public"
    first = build_site(content, output, Config())

    second = build_site(content, output, Config())

    assert first == second
    assert not (output / "public").exists()


def test_site_missing_content_folder_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="expected a folder of Markdown files, got nothing"):
        build_site(tmp_path / "docs", tmp_path / "out", Config())


def test_site_needs_a_first_page(content, tmp_path):
    (content / "index.md").unlink()

    with pytest.raises(InputError, match=r"index\.md: expected the site's first page, got no such file"):
        build_site(content, tmp_path / "out", Config())


def test_site_page_that_is_not_utf8_names_file_and_line(content, tmp_path):
    (content / "guide.md").write_bytes(b"# Guide\n\ncaf\xe9\n")

    with pytest.raises(InputError, match=r"guide\.md:3: expected UTF-8, got byte 0xe9"):
        build_site(content, tmp_path / "out", Config())


def test_site_two_pages_at_one_address_are_refused(content, tmp_path):
    write(content, guide__index_md="# Guide")

    with pytest.raises(InputError, match="expected a URL of its own, got that of guide"):
        build_site(content, tmp_path / "out", Config())


@pytest.mark.parametrize("name", ["search.md", "latefind/index.md", "latefind-theme/x.css", "404.html"])
def test_site_refuses_content_where_latefind_writes(content, tmp_path, name):
    (content / name).parent.mkdir(exist_ok=True)
    (content / name).write_text("# Mine")

    with pytest.raises(InputError, match="expected a name that latefind does not use itself"):
        build_site(content, tmp_path / "out", Config())


def test_site_refuses_a_file_that_a_page_would_overwrite(content, tmp_path):
    (content / "guide").mkdir()
    (content / "guide/index.html").write_text("mine")

    with pytest.raises(InputError, match=r"guide/index\.html: expected a name of its own"):
        build_site(content, tmp_path / "out", Config())

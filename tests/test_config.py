"""`latefind.toml`: what it may say, and how a mistake in it is reported."""

from pathlib import Path

import pytest

from latefind.errors import UsageError
from latefind_build.config import Config, NavGroup, load_config


def write(folder: Path, text: str) -> Path:
    path = folder / "latefind.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_config_without_a_file_is_the_defaults():
    assert load_config(None) == Config()


def test_config_of_an_empty_file_is_the_defaults(tmp_path):
    assert load_config(write(tmp_path, "")) == Config()


def test_config_reads_every_key(tmp_path):
    path = write(
        tmp_path,
        """
        model = "bundles/small"
        base_url = "/docs"
        output_subdir = "assets/search/"
        jobs = 3
        bytes = 34
        pool = "auto"
        exclude = ["tags/**"]
        pwa = true
        offline_pages = "visited"
        [site]
        title = "Orchard"
        description = "Fruit trees."
        language = "nl"
        repository = "https://example.org/source"
        url = "https://example.org/orchard"
        nav = ["index.md", "pruning.md"]
        """,
    )

    config = load_config(path)

    assert config.model == tmp_path / "bundles/small"
    assert config.base_url == "/docs/"
    assert config.output_subdir == "assets/search"
    assert config.jobs == 3
    assert (config.bytes, config.pool) == (34, "auto")
    assert config.exclude == ("tags/**",)
    assert (config.pwa, config.offline_pages) == (True, "visited")
    assert config.site.title == "Orchard"
    assert config.site.description == "Fruit trees."
    assert config.site.language == "nl"
    assert config.site.repository == "https://example.org/source"
    assert config.site.url == "https://example.org/orchard/"
    assert config.site.nav == (NavGroup("", ("index.md", "pruning.md")),)


def test_config_model_is_relative_to_the_file_and_not_to_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    path = write(tmp_path / "project", 'model = "../models/mine"')
    monkeypatch.chdir(tmp_path / "project")

    assert load_config(Path("latefind.toml")).model == load_config(path).model == tmp_path / "models/mine"


def test_config_nav_may_be_grouped(tmp_path):
    path = write(tmp_path, '[[site.nav]]\ntitle = "Care"\npages = ["a.md"]\n[[site.nav]]\npages = ["b.md"]\n')

    assert load_config(path).site.nav == (NavGroup("Care", ("a.md",)), NavGroup("", ("b.md",)))


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        (
            'titel = "x"',
            "titel",
            "bytes, pool, exclude, pwa, offline_pages, site",
        ),
        ('[site]\ntitel = "x"', "site.titel", "title, description"),
        ('[[site.nav]]\npage = ["a.md"]', "site.nav[1].page", "title, pages"),
        ('model = ""', "model", "a string that is not empty"),
        ("base_url = 3", "base_url", "a string"),
        ('base_url = "docs"', "base_url", "https://"),
        ('output_subdir = "../out"', "output_subdir", "a folder below the site's root"),
        ('output_subdir = "/"', "output_subdir", "a folder below the site's root"),
        ("jobs = 0", "jobs", "1 or more"),
        ("jobs = true", "jobs", "1 or more"),
        ('exclude = "tags"', "exclude", "a list of strings"),
        ("exclude = [1]", "exclude", "a list of strings"),
        ("bytes = 20", "bytes", '18, 34 or "auto"'),
        ("pool = 5", "pool", '1, 2, 3, 4 or "auto"'),
        ("site = 1", "site", "a table"),
        ('[site]\nurl = "example.org"', "site.url", "https://"),
        ('[site]\nnav = "index.md"', "site.nav", "a list of pages"),
        ('[site]\nnav = ["index.md", {pages = []}]', "site.nav", "only page names or only"),
    ],
)
def test_config_mistake_names_file_key_and_what_is_expected(tmp_path, text, where, expected):
    path = write(tmp_path, text)

    with pytest.raises(UsageError) as error:
        load_config(path)

    assert str(error.value).startswith(f"{path}: {where}: expected ")
    assert expected in str(error.value)


def test_config_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"latefind\.toml: expected a configuration file, got nothing"):
        load_config(tmp_path / "latefind.toml")


def test_config_that_is_not_toml_is_refused_with_the_line(tmp_path):
    with pytest.raises(UsageError, match=r"latefind\.toml: expected TOML, .*line 2"):
        load_config(write(tmp_path, 'model = "a"\njobs = \n'))


def test_config_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "latefind.toml").write_bytes(b'model = "caf\xe9"')

    with pytest.raises(UsageError, match="expected UTF-8, got byte 0xe9"):
        load_config(tmp_path / "latefind.toml")

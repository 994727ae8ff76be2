"""What the element says: complete in every language, filled in by its rules, chosen by `lang`, extensible."""

import re
import subprocess
from functools import cache

import pytest
from conftest import Watched
from playwright.sync_api import expect
from ui_pages import Element, address, give_fake

from latefind_build.pages import TEXTS
from latefind_build.paths import web_dir

LANGUAGES = ["de", "es", "fr", "it", "nl", "pt"]

Phrase = str | dict[str, str]


@cache
def strings(lang: str) -> dict[str, Phrase]:
    import json

    path = (web_dir() / f"strings/{lang}.js").as_uri()
    script = f"import({path!r}).then((file) => console.log(JSON.stringify(file.default)))"
    run = subprocess.run(
        ["node", "--experimental-default-type=module", "-e", script],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded: dict[str, Phrase] = json.loads(run.stdout)
    return loaded


def holes(phrase: Phrase) -> list[set[str]]:
    """Return the placeholders of each form of a phrase."""
    forms = [phrase] if isinstance(phrase, str) else list(phrase.values())
    return [set(re.findall(r"\{(\w+)\}", form)) for form in forms]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_language_says_everything_that_english_says(lang: str) -> None:
    assert list(strings(lang)) == list(strings("en"))
    assert all(
        form
        for phrase in strings(lang).values()
        for form in ([phrase] if isinstance(phrase, str) else phrase)
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_language_fills_in_what_english_fills_in(lang: str) -> None:
    for key, phrase in strings("en").items():
        [expected] = {frozenset(form) for form in holes(phrase)}
        assert {frozenset(form) for form in holes(strings(lang)[key])} == {expected}, key


@pytest.mark.parametrize("lang", ["en", *LANGUAGES])
def test_plural_phrases_have_the_forms_of_one_and_other(lang: str) -> None:
    plural = {key for key, phrase in strings("en").items() if not isinstance(phrase, str)}
    for key, phrase in strings(lang).items():
        assert (key in plural) == (not isinstance(phrase, str)), key
        if not isinstance(phrase, str):
            assert {"one", "other"} <= set(phrase), key


def test_plain_pages_are_complete_in_every_language() -> None:
    assert set(TEXTS) == {"en", *LANGUAGES}
    assert all(set(texts) == set(TEXTS["en"]) for texts in TEXTS.values())


@pytest.mark.parametrize(
    ("lang", "results", "one"),
    [
        ("en", "10 results", "1 result"),
        ("de-AT", "10 Ergebnisse", "1 Ergebnis"),
        ("fr", "10 résultats", "1 résultat"),
        ("pt-BR", "10 resultados", "1 resultado"),
        ("fi", "10 results", "1 result"),
        ("not a tag", "10 results", "1 result"),
    ],
)
def test_language_follows_the_document(watched: Watched, lang: str, results: str, one: str) -> None:
    page = watched.page
    page.goto(address("page", lang=lang))
    give_fake(page)
    element = Element(page)
    element.ask("flowers")
    expect(element.host.locator(".count")).to_have_text(results)
    page.evaluate("() => { fake.total = 1; }")
    element.ask("other")
    expect(element.host.locator(".count")).to_have_text(one)
    assert watched.console == []


def test_language_of_the_element_comes_before_the_documents(watched: Watched) -> None:
    watched.page.goto(address("page", 'lang="nl"', lang="de"))
    give_fake(watched.page)
    expect(Element(watched.page).field).to_have_attribute("placeholder", "Stel een vraag")


def test_sizes_and_shares_are_written_as_the_language_writes_them(watched: Watched) -> None:
    watched.page.goto(address("page", lang="de"))
    give_fake(watched.page, "() => { fake.propose(2_600_000); }")
    expect(watched.page.get_by_text("einmal 2,6 MB herunterladen?")).to_be_visible()


def test_site_adds_a_language(watched: Watched) -> None:
    page = watched.page
    page.goto(address("page", lang="sv"))
    give_fake(page)
    page.evaluate(
        """async () => {
          const { addStrings } = await import("/latefind/latefind-ui.js");
          const found = { one: "{count} träff", other: "{count} träffar" };
          addStrings("sv", { placeholder: "Ställ en fråga", found });
        }"""
    )
    element = Element(page)
    expect(element.field).to_have_attribute("placeholder", "Ställ en fråga")
    element.ask("flowers")
    expect(element.host.locator(".count")).to_have_text("10 träffar")
    expect(element.host.get_by_role("button", name="Why it matched")).to_be_visible()


def test_language_file_that_is_missing_leaves_english(watched: Watched) -> None:
    page = watched.page
    page.route("**/strings/de.js", lambda route: route.fulfill(status=404))
    page.goto(address("page", lang="de"))
    give_fake(page)
    expect(Element(page).field).to_have_attribute("placeholder", "Ask a question")

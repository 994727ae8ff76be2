"""The modules of the page: which are loaded before the first answer, and how they are joined."""

import re
from pathlib import Path

import pytest
from conftest import Watched, serve
from playwright.sync_api import Page, Route, expect

from latefind.errors import RuntimeFilesError
from latefind_build import modules
from latefind_build.code_pack import pack_code
from latefind_build.modules import INSIDE, PACKED, SHELL, STYLE, fixed_names, packed_code, read_code
from latefind_build.paths import web_dir

WEB = web_dir()
CODE = read_code()

MODAL = """<!doctype html><html lang="en"><title>Page</title><link rel="icon" href="data:,">
<script type="module" src="latefind/ADDRESS"></script>
<main><latefind-search variant="modal" semantic="off"></latefind-search></main></html>"""


def publish(site: Path, module: str = CODE.address(SHELL)) -> str:
    """Put a modal on a page of the site; return its address."""
    (site / "modal.html").write_text(MODAL.replace("ADDRESS", module), "utf-8")
    return serve(site) + "modal.html"


def loaded(seen: Watched) -> list[str]:
    """Return the modules and styles of the search folder that were asked for."""
    paths = [url.partition("/latefind/")[2] for url in seen.requests]
    return [path for path in paths if path.endswith((".js", ".css"))]


def addresses(*names: str) -> list[str]:
    return [CODE.address(name) for name in names]


class Held:
    """What is behind the field, which comes when the test says so."""

    def __init__(self, page: Page) -> None:
        self._waiting: list[Route] | None = []
        page.route("**/inside.js", self._take)

    def _take(self, route: Route) -> None:
        if self._waiting is None:
            route.continue_()
        else:
            self._waiting.append(route)

    def release(self) -> None:
        # First of all, for a request that comes meanwhile.
        waiting, self._waiting = self._waiting or [], None
        for route in waiting:
            route.continue_()


def answered(page: Page) -> None:
    page.get_by_role("option", name="Sharpening knives").first.wait_for()


def test_button_needs_the_shell_alone(site_copy: Path, watched: Watched) -> None:
    watched.page.add_init_script("globalThis.requestIdleCallback = () => 0")
    watched.page.goto(publish(site_copy))
    watched.page.get_by_role("button", name="Search").wait_for()
    assert sorted(loaded(watched)) == sorted(addresses(SHELL, STYLE))


def test_first_answer_needs_one_more_module_and_a_stemmer(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    page.goto(publish(site_copy))
    page.get_by_role("button", name="Search").wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type("sharpening knives")
    answered(page)
    assert sorted(loaded(watched)) == sorted(addresses(SHELL, STYLE, INSIDE, "stem/en.js"))
    assert watched.console == []


def test_fixed_name_leads_to_the_same_module(site_copy: Path, watched: Watched) -> None:
    """A second instance would define the element again, which the browser refuses with an error."""
    page = watched.page
    page.goto(publish(site_copy, "latefind-ui.js"))
    page.get_by_role("button", name="Search").wait_for()
    same = page.evaluate(
        """async ([fixed, hashed]) => {
          const [one, other] = await Promise.all([import(fixed), import(hashed)]);
          return one.LatefindSearch === other.LatefindSearch && one.addStrings === other.addStrings;
        }""",
        ["/latefind/latefind-ui.js", f"/latefind/{CODE.address(SHELL)}"],
    )
    assert same
    assert watched.console == []


@pytest.mark.parametrize("name", ["latefind.js", "latefind-ui.js", "offline.js", "latefind-offline.js"])
def test_fixed_name_gives_all_that_the_source_exports(site_copy: Path, watched: Watched, name: str) -> None:
    watched.page.goto(publish(site_copy))
    exports = "async (url) => Object.keys(await import(url)).sort()"
    found = watched.page.evaluate(exports, f"/latefind/{name}")
    # The element can be defined once in a page.
    watched.page.reload()
    watched.page.evaluate("() => { customElements.define = () => {}; }")
    assert found == watched.page.evaluate(exports, f"/modules/{name}")


def test_search_folder_is_the_default_base_of_joined_modules(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    page.goto(publish(site_copy))
    url = page.evaluate(
        """async () => {
          const { createSearch } = await import("/latefind/latefind.js");
          const search = await createSearch({ semantic: "off" });
          return (await search.query("sharpening knives")).results[0].url;
        }"""
    )
    assert url.endswith("/kitchen.html#knives")


def test_page_for_search_names_what_it_needs_and_each_exists(built_site: Path) -> None:
    html = (built_site / "latefind/index.html").read_text("utf-8")
    named = re.findall(r'(?:href|src)="(runtime/[^"]+|index/[^"]+)"', html)
    assert set(named) == set(addresses("latefind-page.css", SHELL, STYLE, INSIDE, "stem/en.js"))
    edition = re.findall(r'edition="([^"]+)"', html)
    assert not [name for name in [*named, *edition] if not (built_site / "latefind" / name).is_file()]


def test_rest_is_fetched_while_the_browser_is_idle(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    with page.expect_response(lambda response: response.url.endswith("/inside.js")):
        page.goto(publish(site_copy))
    page.wait_for_load_state("networkidle")
    assert not [url for url in watched.requests if "manifest" in url or "/index/" in url]


def test_visitor_who_saves_data_fetches_nothing_ahead(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    page.add_init_script("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })")
    page.goto(publish(site_copy))
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    assert CODE.address(INSIDE) not in loaded(watched)
    page.keyboard.press("Control+k")
    page.keyboard.type("sharpening knives")
    answered(page)


def test_what_is_typed_before_the_rest_is_there_is_answered(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    held = Held(page)
    page.goto(publish(site_copy))
    page.get_by_role("button", name="Search").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("sharpening kni")
    page.keyboard.press("Backspace")
    assert page.locator("latefind-search input").input_value() == "sharpening kn"
    held.release()
    answered(page)
    expect(page.locator("latefind-search input")).to_be_focused()
    page.keyboard.type("ives")
    answered(page)
    assert watched.console == []


def test_enter_before_the_rest_is_there_stays_on_the_page(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    held = Held(page)
    page.goto(publish(site_copy))
    page.get_by_role("button", name="Search").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("sharpening knives")
    page.keyboard.press("Enter")
    held.release()
    answered(page)
    assert page.url.endswith("/modal.html")


def test_rest_that_cannot_be_had_is_told_and_tried_again(site_copy: Path, watched: Watched) -> None:
    page = watched.page
    page.route("**/inside.js", lambda route: route.abort())
    page.goto(publish(site_copy))
    page.get_by_role("button", name="Search").wait_for()
    page.keyboard.press("/")
    page.get_by_role("alert").get_by_text("The search could not be loaded.").wait_for()
    page.unroute("**/inside.js")
    page.keyboard.type("sharpening knives")
    answered(page)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_joining_gives_the_same_bytes_each_time(tmp_path: Path) -> None:
    pack_code(WEB, tmp_path / "again")
    names = [path.relative_to(PACKED) for path in PACKED.rglob("*") if path.is_file()]
    again = [
        path.relative_to(tmp_path / "again") for path in (tmp_path / "again").rglob("*") if path.is_file()
    ]
    assert sorted(names) == sorted(again)
    assert all((PACKED / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in names)


def test_joined_modules_import_nothing_that_is_not_there() -> None:
    for name, data in CODE.files.items():
        if name.endswith(".js") and "/" not in name:
            for path in re.findall(r"""(?:\bfrom|\bimport)\s*\(?\s*['"]\./([^'"]+)['"]""", data.decode()):
                assert path in CODE.files, f"{name} imports {path}"


def test_workers_share_no_module_with_anybody() -> None:
    for name in ("worker.js", "encoder-worker.js"):
        assert not re.search(r"^(?:import|export)\b", CODE.files[name].decode(), re.MULTILINE)


def test_styles_are_one_file() -> None:
    assert b"@import" not in CODE.files[STYLE]
    assert all(selector in CODE.files[STYLE] for selector in (b":host {", b".results {", b".dialog {"))


def test_fixed_names_lead_to_files_that_exist() -> None:
    for line in fixed_names(CODE).values():
        [address] = re.findall(r'"(?:\./)?([^"]+)"', line)
        assert address.removeprefix(CODE.folder) in CODE.files


@pytest.mark.parametrize(("marker", "got"), [(None, "nothing"), ("of others", "those of other sources")])
def test_modules_that_are_not_joined_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marker: str | None, got: str
) -> None:
    if marker:
        (tmp_path / modules.MARKER).write_text(marker)
    monkeypatch.setattr(modules, "PACKED", tmp_path)
    with pytest.raises(RuntimeFilesError, match=f"got {got}. In a source checkout, run `make code` first"):
        packed_code()

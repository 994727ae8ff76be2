"""axe-core finds nothing wrong, in any state of any variant, in light and dark."""

import pytest
from conftest import Watched
from playwright.sync_api import Browser, Page
from ui_pages import VARIANTS, Element, address, give_fake, settings

from latefind_build.paths import web_dir

AXE = web_dir() / "node_modules/axe-core/axe.min.js"

MESSAGE = "index/shard-3.bin: expected a file, got 404. Upload it."

STATES = {
    "idle": "",
    "results": "",
    "active": "",
    "explained": "",
    "filtered": "",
    "recent": "",
    "nothing": "() => { fake.answer = () => []; }",
    "loading": """() => {
      fake.first = () => [result(2), result(1)];
      fake.hold();
      fake.set({ semantic: "loading", bytesLoaded: 12e6 });
    }""",
    "waiting": "() => { fake.first = () => [result(2), result(1)]; fake.hold(); }",
    "offer": "() => { fake.mode = 'lexical'; fake.status.semantic = 'idle'; fake.propose(33e6); }",
    "partial": f"() => {{ fake.warnings = [{{ code: 'network', message: '{MESSAGE}', detail: '' }}]; }}",
    "words only": """() => {
      const error = { code: "wasm-blocked", message: "policy: expected wasm, got none.", detail: "" };
      fake.mode = "lexical";
      fake.status = { ...fake.status, semantic: "failed", error };
    }""",
    "failed": "() => { fake.query = async () => { throw new Error('it broke'); }; }",
    "offline": "",
}


OF_COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that another colour scheme may break."""


def reach(page: Page, element: Element, state: str) -> None:
    """Bring the element into the state."""
    element.open()
    if state == "idle":
        element.host.locator(".notices").wait_for(state="attached")  # What is behind the field has come.
        return
    element.field.fill("flowers on holiday")
    if state == "failed":
        element.host.get_by_role("alert").wait_for()
        element.host.locator(".error summary").click()
        return
    if state == "nothing":
        element.host.get_by_text("Nothing found").wait_for()
        return
    element.options.first.wait_for()
    if state in ("active", "waiting"):
        element.field.press("ArrowDown")
    if state == "waiting":
        page.evaluate("() => fake.release()")
        element.host.get_by_text("Better results are ready").first.wait_for()
    if state == "explained":
        element.host.get_by_role("button", name="Why it matched").click()
        element.host.locator(".pair").first.wait_for()
    if state == "filtered":
        element.host.get_by_role("button", name="Filters").click()
        element.host.get_by_label("guide").check()
    if state == "recent":
        element.field.press("Enter")
        element.field.fill("")
        element.host.get_by_text("flowers on holiday").wait_for()
    if state == "offline":
        page.context.set_offline(True)
        element.host.get_by_text("You are offline").wait_for()


SETTLE = """async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  // What has changed just now begins to move with the next frame.
  for (let times = 0; times < 2; times += 1) await frame();
  const roots = [document, ...Array.from(document.querySelectorAll("*"), (node) => node.shadowRoot)];
  const moving = roots.flatMap((root) => root?.getAnimations() ?? []);
  await Promise.allSettled(moving.map(({ finished }) => finished));
  return "axe" in globalThis;
}"""


def violations(page: Page, *rules: str) -> list[str]:
    """Return what axe-core objects to, by all its rules or by these, after what moves has come to rest."""
    if not page.evaluate(SETTLE):
        page.evaluate(AXE.read_text("utf-8"))
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    found = page.evaluate("(options) => axe.run(document, options)", options)["violations"]
    return [f"{rule['id']}: {[node['html'][:160] for node in rule['nodes']]}" for rule in found]


def faults(page: Page) -> list[str]:
    """Return what axe-core objects to on a light page, and what of its colours once it is dark."""
    page.emulate_media(color_scheme="light")
    light = violations(page)
    page.emulate_media(color_scheme="dark")
    return [*light, *(f"dark: {text}" for text in violations(page, *OF_COLOURS))]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(chromium: Browser, state: str, variant: str) -> None:
    with settings(chromium) as page:
        page.goto(address(variant, "recent" if state == "recent" else ""))
        give_fake(page, STATES[state])
        reach(page, Element(page), state)
        assert faults(page) == []


@pytest.mark.parametrize("lang", ["de", "ar"])
def test_axe_finds_nothing_in_other_languages(chromium: Browser, lang: str) -> None:
    with settings(chromium) as page:
        page.goto(address("modal", lang=lang, dir="rtl" if lang == "ar" else "ltr"))
        give_fake(page)
        page.keyboard.press("Control+k")
        page.keyboard.type("flowers")
        Element(page).options.first.wait_for()
        assert violations(page) == []


def test_axe_sees_into_the_element(chromium: Browser) -> None:
    """What makes the other tests mean something: a fault inside the shadow root is found."""
    with settings(chromium) as page:
        page.goto(address("inline"))
        give_fake(page)
        reach(page, Element(page), "results")
        script = "(root) => root.shadowRoot.querySelector('select').removeAttribute('aria-label')"
        page.locator("latefind-search").evaluate(script)
        assert [text.partition(":")[0] for text in violations(page)] == ["select-name"]


def test_closed_modal_says_which_keys_open_it(watched: Watched) -> None:
    watched.page.goto(address("modal"))
    give_fake(watched.page)
    button = watched.page.get_by_role("button", name="Search")
    assert button.get_attribute("aria-keyshortcuts") == "Control+K /"
    assert button.get_attribute("aria-haspopup") == "dialog"
    assert watched.console == []

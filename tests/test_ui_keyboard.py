"""`<latefind-search>` without a mouse: a walk through each variant, and what each key does."""

import pytest
from conftest import Watched
from playwright.sync_api import Page, expect
from ui_pages import Element, address, give_fake


def ready(page: Page, variant: str, attributes: str = "", before: str = "") -> Element:
    page.goto(address(variant, attributes))
    give_fake(page, before)
    return Element(page)


def focused(page: Page) -> str:
    """Return what has the focus, inside the element too."""
    return str(
        page.evaluate(
            """() => {
              const active = document.activeElement?.shadowRoot?.activeElement ?? document.activeElement;
              return active.id || active.className || active.tagName;
            }"""
        )
    )


def test_modal_walkthrough_by_keyboard_alone(watched: Watched) -> None:
    page = watched.page
    element = ready(page, "modal")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(page) == "opener"
    page.keyboard.press("Enter")
    expect(element.field).to_be_focused()
    element.type("flowers on holiday")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert element.active() == "Reservoirs under the soil"
    expect(element.field).to_be_focused()
    page.keyboard.press("Escape")
    expect(element.field).to_have_value("")
    page.keyboard.press("Escape")
    expect(element.field).to_be_hidden()
    assert focused(page) == "opener"
    assert watched.console == []


def test_inline_walkthrough_by_keyboard_alone(watched: Watched) -> None:
    page = watched.page
    element = ready(page, "inline")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(element.field).to_be_focused()
    element.type("flowers on holiday")
    expect(element.field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    assert element.active() == "Garden"
    page.keyboard.press("Escape")
    expect(element.options.first).to_be_hidden()
    expect(element.field).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Escape")
    expect(element.field).to_have_value("")
    assert watched.console == []


def test_page_walkthrough_by_keyboard_alone(watched: Watched) -> None:
    page = watched.page
    element = ready(page, "page")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    element.type("flowers on holiday")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert element.active() == "Reservoirs under the soil"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(element.field).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/garden/")


@pytest.mark.parametrize("variant", ["modal", "inline"])
def test_enter_opens_the_active_option(watched: Watched, variant: str) -> None:
    element = ready(watched.page, variant)
    element.ask("flowers")
    element.options.first.wait_for()
    watched.page.keyboard.press("ArrowDown")
    watched.page.keyboard.press("ArrowDown")
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_url("**/garden/#reservoirs")


def test_control_enter_opens_a_new_tab(watched: Watched) -> None:
    element = ready(watched.page, "modal")
    element.ask("flowers")
    element.options.first.wait_for()
    watched.page.keyboard.press("ArrowDown")
    with watched.page.context.expect_page() as opened:
        watched.page.keyboard.press("Control+Enter")
    opened.value.wait_for_url("**/garden/")
    expect(element.field).to_be_focused()


def test_enter_without_an_active_option_opens_nothing(watched: Watched) -> None:
    element = ready(watched.page, "modal")
    element.ask("flowers")
    element.options.first.wait_for()
    url = watched.page.url
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_function("() => fake.asked.at(-1).typing === false")
    assert watched.page.url == url


@pytest.mark.parametrize(
    ("keys", "title"),
    [
        (["ArrowDown", "End"], "Copies of your files"),
        (["ArrowDown", "End", "Home"], "Garden"),
        (["PageDown"], "Sharpening knives"),
        (["PageDown", "PageDown"], "Copies of your files"),
        (["PageDown", "PageUp"], "Garden"),
        (["ArrowDown", "ArrowUp"], ""),
        (["End"], ""),
    ],
)
def test_key_moves_to(watched: Watched, keys: list[str], title: str) -> None:
    element = ready(watched.page, "inline", before="() => { fake.total = 6; }")
    element.ask("flowers")
    element.options.first.wait_for()
    for key in keys:
        watched.page.keyboard.press(key)
    assert element.active() == title
    pointed = element.field.get_attribute("aria-activedescendant")
    assert bool(pointed) == bool(title)


@pytest.mark.parametrize("key", ["Control+k", "/"])
def test_shortcut_opens_the_modal(watched: Watched, key: str) -> None:
    element = ready(watched.page, "modal")
    watched.page.keyboard.press(key)
    expect(element.field).to_be_focused()
    expect(element.field).to_have_value("")


def test_shortcuts_are_the_sites_choice(watched: Watched) -> None:
    element = ready(watched.page, "modal", 'keys="s"')
    watched.page.keyboard.press("Control+k")
    watched.page.keyboard.press("/")
    expect(element.field).to_be_hidden()
    watched.page.keyboard.press("s")
    expect(element.field).to_be_focused()


def test_shortcut_leaves_whoever_types_alone(watched: Watched) -> None:
    element = ready(watched.page, "modal")
    watched.page.evaluate("() => document.body.prepend(document.createElement('input'))")
    watched.page.locator("body > input").focus()
    watched.page.keyboard.press("/")
    expect(element.field).to_be_hidden()
    assert watched.page.locator("body > input").input_value() == "/"


def test_modal_makes_the_page_inert_and_keeps_its_place(watched: Watched) -> None:
    page = watched.page
    element = ready(page, "modal")
    page.evaluate("() => scrollTo(0, 120)")
    page.keyboard.press("Control+k")
    expect(element.field).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.tagName") in ("LATEFIND-SEARCH", "BODY")
    page.mouse.wheel(0, 400)
    page.keyboard.press("Escape")
    expect(element.field).to_be_hidden()
    assert page.evaluate("() => scrollY") == 120
    # A dialog says that it has closed in a task of its own.
    page.wait_for_function("() => document.documentElement.style.overflow === ''")


def test_click_beside_the_dialog_closes_it(watched: Watched) -> None:
    element = ready(watched.page, "modal")
    element.open()
    watched.page.mouse.click(5, 5)
    expect(element.field).to_be_hidden()


def test_results_are_announced_once_typing_rests(watched: Watched) -> None:
    element = ready(watched.page, "modal")
    element.ask("flowers")
    region = element.host.locator("[role=status]")
    expect(region).to_have_text("10 results. First: Garden")
    element.field.fill("")
    expect(region).to_have_text("")


def test_options_are_grouped_by_page(watched: Watched) -> None:
    element = ready(watched.page, "modal", before="() => { fake.total = 6; }")
    element.ask("flowers")
    element.options.first.wait_for()
    groups = element.host.get_by_role("listbox").get_by_role("group")
    assert groups.count() == 3
    kitchen = element.host.get_by_role("group", name="Kitchen")
    assert kitchen.get_by_role("option").locator(".title").all_inner_texts() == [
        "Bread with a crisp crust",
        "Sharpening knives",
    ]

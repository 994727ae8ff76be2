"""A better answer to the same question: the list changes only where nobody aims at it."""

import pytest
from conftest import Watched
from playwright.sync_api import Page, expect
from ui_pages import VARIANTS, Element, address, give_fake

WORDS_FIRST = """() => {
  fake.first = () => [result(3), result(1), result(5)];
  fake.answer = () => [result(5), result(1), result(0), result(3)];
  fake.total = 4;
  fake.hold();
}"""


def asked(page: Page, variant: str) -> Element:
    """Show what words found, while meaning is still at it."""
    page.goto(address(variant))
    give_fake(page, WORDS_FIRST)
    element = Element(page)
    element.ask("flowers")
    expect(element.options).to_have_text(
        ["Bread with a crisp crust", "Reservoirs under the soil", "Copies of your files"]
    )
    return element


def titles(element: Element) -> list[str]:
    return element.options.all_inner_texts()


@pytest.mark.parametrize("variant", VARIANTS)
def test_better_answer_replaces_the_list_where_nobody_aims(watched: Watched, variant: str) -> None:
    element = asked(watched.page, variant)
    watched.page.evaluate("() => fake.release()")
    expect(element.options.first).to_have_text("Copies of your files")
    assert len(titles(element)) == 4


@pytest.mark.parametrize("variant", VARIANTS)
def test_list_does_not_move_under_an_active_result(watched: Watched, variant: str) -> None:
    page = watched.page
    element = asked(page, variant)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    before = element.options.nth(1).bounding_box()
    page.evaluate("() => fake.release()")
    element.host.get_by_role("button", name="Better results are ready").wait_for()
    assert element.active() == "Reservoirs under the soil"
    assert element.options.nth(1).bounding_box() == before
    assert len(titles(element)) == 3
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(element.options.first).to_have_text("Copies of your files")


def test_better_answer_does_not_claim_to_be_seen_in_a_dropdown_that_was_closed(watched: Watched) -> None:
    page = watched.page
    element = asked(page, "inline")
    page.keyboard.press("Escape")
    expect(element.field).to_have_attribute("aria-expanded", "false")
    page.evaluate("() => fake.release()")
    expect(element.host.locator("[role=option]")).to_have_count(4)
    expect(element.field).to_have_attribute("aria-expanded", "false")
    element.field.click()
    expect(element.field).to_have_attribute("aria-expanded", "true")


def test_list_does_not_move_under_the_pointer(watched: Watched) -> None:
    page = watched.page
    element = asked(page, "modal")
    box = element.options.nth(1).bounding_box()
    assert box
    page.mouse.move(box["x"] + 4, box["y"] + 30)
    page.mouse.move(box["x"] + 9, box["y"] + 6)
    page.evaluate("() => fake.release()")
    element.host.get_by_role("button", name="Better results are ready").wait_for()
    assert element.options.nth(1).bounding_box() == box
    page.mouse.move(3, 3)
    expect(element.options.first).to_have_text("Copies of your files")


def test_pointer_that_only_rests_holds_nothing(watched: Watched) -> None:
    page = watched.page
    page.goto(address("modal"))
    give_fake(page, WORDS_FIRST)
    page.mouse.move(500, 300)
    element = Element(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("flowers")
    element.options.first.wait_for()
    page.evaluate("() => fake.release()")
    expect(element.options.first).to_have_text("Copies of your files")


def test_waiting_answer_is_shown_on_request(watched: Watched) -> None:
    page = watched.page
    element = asked(page, "modal")
    page.keyboard.press("ArrowDown")
    page.evaluate("() => fake.release()")
    element.host.get_by_role("button", name="Better results are ready").click()
    expect(element.options.first).to_have_text("Copies of your files")
    expect(element.field).to_be_focused()


def test_result_that_stays_keeps_its_node(watched: Watched) -> None:
    page = watched.page
    element = asked(page, "inline")
    node = element.host.locator("[role=option]", has_text="Reservoirs").element_handle()
    page.evaluate("() => fake.release()")
    expect(element.options.first).to_have_text("Copies of your files")
    assert node
    assert node.evaluate("(node) => node.isConnected")


def test_marks_arrive_even_under_an_active_result(watched: Watched) -> None:
    """They move nothing, so nothing is held back."""
    page = watched.page
    page.goto(address("modal"))
    before = """() => {
      fake.first = () => [result(0, { highlights: [] }), result(1, { highlights: [] })];
      fake.answer = () => [result(0), result(1)];
      fake.hold();
    }"""
    give_fake(page, before)
    element = Element(page)
    element.ask("flowers")
    element.options.first.wait_for()
    page.keyboard.press("ArrowDown")
    page.evaluate("() => fake.release()")
    expect(element.host.locator("mark").first).to_be_visible()
    assert element.active() == "Garden"


def test_words_are_asked_again_once_meaning_is_there(watched: Watched) -> None:
    page = watched.page
    page.goto(address("modal"))
    give_fake(page, "() => { fake.mode = 'lexical'; fake.status.semantic = 'loading'; }")
    element = Element(page)
    element.ask("flowers")
    expect(element.host.locator(".count")).to_have_text("10 results by their words")
    page.evaluate("() => { fake.mode = 'hybrid'; fake.set({ semantic: 'ready' }); }")
    expect(element.host.locator(".count")).to_have_text("10 results")
    assert page.evaluate("() => fake.asked.length") == 2


def test_answer_to_an_earlier_question_is_dropped(watched: Watched) -> None:
    page = watched.page
    page.goto(address("modal"))
    give_fake(page, "() => { fake.answer = (text) => [result(text === 'one' ? 0 : 3)]; fake.hold(); }")
    element = Element(page)
    element.ask("one")
    element.ask("two")
    page.evaluate("() => fake.release()")
    expect(element.options).to_have_text(["Bread with a crisp crust"])


def test_more_results_are_added_below_and_the_first_of_them_is_active(watched: Watched) -> None:
    page = watched.page
    page.goto(address("modal"))
    give_fake(page)
    element = Element(page)
    element.ask("flowers")
    element.options.first.wait_for()
    shown = titles(element)
    element.host.get_by_role("button", name="More results").click()
    expect(element.options).to_have_count(20)
    assert titles(element)[: len(shown)] == shown
    assert element.active() == titles(element)[len(shown)]

"""What visitors are told and may decide: progress, the offer, failures, filters, order, the address."""

from conftest import Watched
from playwright.sync_api import Locator, Page, expect
from ui_pages import Element, address, give_fake


def ready(page: Page, variant: str = "modal", attributes: str = "", before: str = "") -> Element:
    page.goto(address(variant, attributes))
    give_fake(page, before)
    return Element(page)


def _middle(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_progress_names_what_has_arrived(watched: Watched) -> None:
    element = ready(watched.page, before="() => { fake.set({ semantic: 'loading', bytesLoaded: 12.3e6 }); }")
    element.ask("flowers")
    expect(element.host.locator(".doing")).to_have_text("Loading search by meaning: 12 MB of 33 MB")
    watched.page.evaluate("() => fake.set({ bytesLoaded: 33e6 })")
    expect(element.host.locator(".doing")).to_have_text("Search by meaning is starting")
    watched.page.evaluate("() => fake.set({ semantic: 'ready' })")
    expect(element.host.locator(".doing")).to_have_text("")


def type_evenly(page: Page, text: str) -> int:
    """Type ``text``, a letter every 60 ms of the page's clock; return how much had been asked before."""
    page.clock.install(time=0)
    element = ready(page)
    element.ask("one")
    expect(element.options.first).to_be_visible()
    element.field.fill("")
    page.clock.pause_at(60_000)
    before = int(page.evaluate("() => fake.asked.length"))
    for letter in text:
        page.keyboard.type(letter)
        page.clock.run_for(60)
    return before


def test_who_types_without_rest_is_answered_meanwhile(watched: Watched) -> None:
    page = watched.page
    before = type_evenly(page, "flowers")
    asked = page.evaluate(
        "(before) => fake.asked.slice(before).map(({ text, mode }) => [text, mode])", before
    )
    assert asked in ([["flow", "lexical"]], [["flowe", "lexical"]])
    page.clock.run_for(100)
    assert page.evaluate("() => [fake.asked.at(-1).text, fake.asked.at(-1).mode]") == ["flowers", "hybrid"]


def test_who_is_answered_in_haste_gets_the_whole_answer_after_it(watched: Watched) -> None:
    page = watched.page
    type_evenly(page, "flow")
    page.clock.run_for(100)
    asked = page.evaluate("() => fake.asked.slice(-2).map(({ text, mode }) => [text, mode])")
    assert asked == [["flow", "lexical"], ["flow", "hybrid"]]


def test_press_counts_while_texts_change_under_it(watched: Watched) -> None:
    page = watched.page
    element = ready(page)
    page.mouse.move(*_middle(element.host.locator(".opener-text")))
    page.mouse.down()
    page.evaluate("() => { document.documentElement.lang = 'de'; }")
    page.evaluate("async () => (await import('/latefind/latefind-ui.js')).addStrings('sv', {})")
    expect(element.host.locator(".opener-text")).to_have_text("Suche")
    page.mouse.up()
    expect(element.field).to_be_visible()


def test_offer_is_accepted(watched: Watched) -> None:
    element = ready(watched.page, before="() => { fake.propose(33e6); }")
    element.open()
    offer = element.host.get_by_text("Better answers by meaning: download 33 MB once?")
    offer.wait_for()
    element.host.get_by_role("button", name="Yes").click()
    assert watched.page.evaluate("() => fake.decided") == "accepted"
    expect(offer).to_be_hidden()
    expect(element.field).to_be_focused()


def test_offer_is_declined(watched: Watched) -> None:
    element = ready(watched.page, before="() => { fake.propose(33e6); }")
    element.open()
    element.host.get_by_role("button", name="No", exact=True).click()
    assert watched.page.evaluate("() => fake.decided") == "declined"
    expect(element.host.get_by_role("button", name="Yes")).to_be_hidden()


def test_failure_is_explained_and_tried_again(watched: Watched) -> None:
    element = ready(
        watched.page,
        before="""() => {
          const query = fake.query.bind(fake);
          let times = 0;
          fake.query = async (...wish) => {
            if (!times++) throw new Error("gone");
            return query(...wish);
          };
        }""",
    )
    element.open()
    element.field.fill("flowers")
    alert = element.host.get_by_role("alert")
    expect(alert).to_contain_text("The search does not work at the moment.")
    expect(element.host).to_have_attribute("data-state", "failed")
    alert.get_by_role("button", name="Try again").click()
    element.options.first.wait_for()
    expect(alert).to_be_hidden()
    expect(element.host).to_have_attribute("data-state", "ready")


def test_search_goes_on_by_words_where_meaning_failed(watched: Watched) -> None:
    element = ready(
        watched.page,
        before="""() => {
          const error = { code: "wasm-blocked", message: "policy: expected wasm, got none.", detail: "" };
          fake.mode = "lexical";
          fake.status = { ...fake.status, semantic: "failed", error };
          fake.loadSemantic = async () => {
            fake.mode = "hybrid";
            fake.set({ semantic: "ready", error: null });
          };
        }""",
    )
    element.ask("flowers")
    expect(element.options).to_have_count(10)
    warning = element.host.locator(".warning")
    expect(warning).to_contain_text("These results are found by their words.")
    warning.get_by_role("button", name="Try again").click()
    expect(warning).to_be_hidden()


def test_offline_is_said(watched: Watched) -> None:
    element = ready(watched.page)
    element.ask("flowers")
    watched.page.context.set_offline(True)
    expect(element.host.get_by_text("You are offline. Answers come from this device.")).to_be_visible()
    watched.page.context.set_offline(False)
    expect(element.host.get_by_text("You are offline.")).to_be_hidden()


def test_filters_have_counts_and_narrow_the_search(watched: Watched) -> None:
    element = ready(watched.page)
    element.ask("flowers")
    button = element.host.get_by_role("button", name="Filters")
    button.click()
    group = element.host.get_by_role("group", name="section")
    expect(group.locator("label")).to_have_text(["guide41", "recipe12", "reference7"])
    group.get_by_label("guide").check()
    watched.page.wait_for_function("() => fake.asked.at(-1).filters.section?.[0] === 'guide'")
    expect(button).to_have_accessible_name("Filters 1 filter set")


def test_filters_that_leave_nothing_can_be_removed(watched: Watched) -> None:
    element = ready(
        watched.page,
        before="() => { fake.answer = (text, { filters }) => filters.section ? [] : [result(0)]; }",
    )
    element.ask("flowers")
    element.host.get_by_role("button", name="Filters").click()
    element.host.get_by_label("recipe").check()
    element.host.get_by_role("button", name="Remove all filters").click()
    expect(element.options).to_have_count(1)
    expect(element.host.get_by_label("recipe")).not_to_be_checked()


def test_site_chooses_the_facets(watched: Watched) -> None:
    element = ready(watched.page, attributes='filters="lang"')
    element.ask("flowers")
    element.host.get_by_role("button", name="Filters").click()
    assert element.host.locator("legend").all_inner_texts() == ["lang"]


def test_results_are_sorted(watched: Watched) -> None:
    element = ready(watched.page, before="() => { fake.total = 4; }")
    element.ask("flowers")
    order = element.host.get_by_label("Order")
    order.select_option("title")
    expect(element.options).to_have_text(
        ["Bread with a crisp crust", "Garden", "Reservoirs under the soil", "Slugs and snails"]
    )
    order.select_option("date")
    expect(element.options.first).to_have_text("Bread with a crisp crust")
    expect(element.options.last).to_have_text("Slugs and snails")
    order.select_option("relevance")
    expect(element.options.first).to_have_text("Garden")


def test_order_by_date_needs_dates(watched: Watched) -> None:
    element = ready(watched.page, before="() => { fake.answer = () => [result(0, { meta: {} })]; }")
    element.ask("flowers")
    expect(element.host.get_by_label("Order").locator("option")).to_have_text(["Best first", "By title"])


def test_explanation_pairs_the_words(watched: Watched) -> None:
    element = ready(watched.page)
    element.ask("flowers")
    toggle = element.host.get_by_role("button", name="Why it matched")
    toggle.click()
    expect(element.host.locator(".pair").first).to_contain_text("“watering” matched “drink”, 83%")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.click()
    expect(element.host.locator(".pair").first).to_be_hidden()


def test_page_shares_its_question_in_the_address(watched: Watched) -> None:
    element = ready(watched.page, "page")
    element.ask("flowers on holiday")
    watched.page.wait_for_function("() => location.search === '?q=flowers+on+holiday'")
    element.field.fill("")
    watched.page.wait_for_function("() => location.search === ''")


def test_page_answers_the_question_of_its_address(watched: Watched) -> None:
    watched.page.route("**/manifest.json", lambda route: route.abort())
    watched.page.goto(f"{address('page')}?q=flowers")
    expect(Element(watched.page).field).to_have_value("flowers")


def test_modal_opens_for_the_question_of_its_address(watched: Watched) -> None:
    page = watched.page
    page.route("**/manifest.json", lambda route: route.abort())
    page.goto(f"{address('modal', 'query-param=q')}?q=flowers")
    element = Element(page)
    expect(element.field).to_be_focused()
    expect(element.field).to_have_value("flowers")
    expect(element.host.get_by_role("alert")).to_contain_text("The search could not be loaded.")
    element.host.get_by_role("button", name="Close").click()
    page.wait_for_function("() => location.search === ''")


def test_modal_leaves_the_address_alone(watched: Watched) -> None:
    element = ready(watched.page)
    url = watched.page.url
    element.ask("flowers")
    element.options.first.wait_for()
    assert watched.page.url == url


def test_link_within_the_page_closes_the_modal(watched: Watched) -> None:
    element = ready(
        watched.page,
        before="() => { fake.answer = () => [result(0, { url: `${location.href}#here` })]; }",
    )
    element.ask("flowers")
    element.options.first.click()
    expect(element.field).to_be_hidden()
    watched.page.wait_for_url("**#here")


def test_detached_element_closes_its_search(watched: Watched) -> None:
    element = ready(watched.page)
    element.ask("flowers")
    watched.page.evaluate("() => document.querySelector('latefind-search').remove()")
    watched.page.wait_for_function("() => fake.closed")
    assert watched.page.evaluate("() => document.documentElement.style.overflow") == ""
    watched.page.keyboard.press("Control+k")
    assert watched.console == []

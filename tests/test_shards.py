"""web/shards.js in a page, with a loader that the test holds: who waits for what, and what is fetched."""

from pathlib import Path

import pytest
from conftest import Watched, serve

WEB = Path(__file__).parents[1] / "web"

SET_UP = """async () => {
  const { Shards } = await import("/shards.js");
  const { LatefindError } = await import("/protocol.js");
  globalThis.log = [];
  globalThis.pending = new Map();
  const loader = {
    fetchInto: ({ path }, accept, signal) => new Promise((resolve, reject) => {
      log.push("fetch " + path);
      signal.addEventListener("abort", () => {
        log.push("abort " + path);
        reject(signal.reason);
      });
      pending.set(path, {
        arrive: () => accept(new Uint8Array()).then(resolve),
        fail: () => reject(new LatefindError("network", path + ": expected it, got none.")),
      });
    }),
  };
  const parts = ["a", "b", "c"].map((path) => ({ role: "shard", path, bytes: 0, sha256: "" }));
  globalThis.shards = new Shards(parts, loader, (path) => log.push("add " + path));
  globalThis.settled = () => new Promise((resolve) => setTimeout(resolve));
}"""


@pytest.fixture
def held(watched: Watched) -> Watched:
    """A page with `shards`, the `log` of what they did, and `pending` downloads to let arrive or fail."""
    watched.page.goto(f"{serve(WEB)}latefind-ui.css")
    watched.page.evaluate(SET_UP)
    return watched


def test_shards_fetches_once_what_two_requests_want(held: Watched) -> None:
    script = """async () => {
      const both = [shards.load(["a", "b"], () => true), shards.load(["b"], () => true)];
      for (const { arrive } of pending.values()) arrive();
      const failed = await Promise.all(both);
      return { log, failures: failed.map(({ size }) => size) };
    }"""
    answer = held.page.evaluate(script)
    assert answer == {"log": ["fetch a", "fetch b", "add a", "add b"], "failures": [0, 0]}


def test_shards_answers_with_the_others_and_says_why_one_failed(held: Watched) -> None:
    script = """async () => {
      const loading = shards.load(["a", "b"], () => true);
      pending.get("a").fail();
      pending.get("b").arrive();
      return [...await loading].map(([path, { code, message }]) => [path, code, message]);
    }"""
    assert held.page.evaluate(script) == [["a", "network", "a: expected it, got none."]]
    assert held.page.evaluate("log") == ["fetch a", "fetch b", "add b"]


def test_shards_tries_again_what_failed(held: Watched) -> None:
    script = """async () => {
      const first = shards.load(["a"], () => true);
      pending.get("a").fail();
      await first;
      const second = shards.load(["a"], () => true);
      pending.get("a").arrive();
      return (await second).size;
    }"""
    assert held.page.evaluate(script) == 0
    assert held.page.evaluate("log") == ["fetch a", "fetch a", "add a"]


def test_shards_drops_what_only_an_abandoned_request_wanted(held: Watched) -> None:
    script = """async () => {
      let wanted = true;
      const first = shards.load(["a", "b"], () => wanted).catch(({ name }) => name);
      wanted = false;
      await settled();
      const before = [...log];
      const second = shards.load(["b", "c"], () => true);
      pending.get("b").arrive();
      pending.get("c").arrive();
      await second;
      return { before, after: log.slice(before.length), first: await first };
    }"""
    assert held.page.evaluate(script) == {
        "before": ["fetch a", "fetch b"],
        "after": ["abort a", "fetch c", "add b", "add c"],
        "first": "AbortError",
    }


def test_shards_fetches_anew_what_it_dropped(held: Watched) -> None:
    script = """async () => {
      let wanted = true;
      const first = shards.load(["a"], () => wanted).catch(() => null);
      wanted = false;
      const others = shards.load(["b"], () => true);
      const again = shards.load(["a"], () => true);
      pending.get("a").arrive();
      pending.get("b").arrive();
      await Promise.all([first, others, again]);
      return log;
    }"""
    assert held.page.evaluate(script) == ["fetch a", "abort a", "fetch b", "fetch a", "add a", "add b"]

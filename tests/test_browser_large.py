"""A large index in a real browser: what is fetched, when, and what happens when a shard is not to be had.

Starting the search takes seconds, so the tests look at two visits: one to a host that works, one to a host
that does not.
"""

import functools
import http.server
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from conftest import SUB_PATH, Watched, site_url, watch
from playwright.sync_api import Browser, expect
from small_site import QUERIES

from latefind.format import decode_section, read_shard
from latefind.manifest import ON_DEMAND, Manifest
from latefind.routing import MAX_SHARDS
from latefind.search import Engine
from latefind_build.native import NativeSearch

QUESTION, QUESTION_ANSWER = QUERIES[3], "garden/#slugs"
"""A question that a summary of a few dozen centroids routes well: the paraphrase needs a real site's."""

NAMED = ["kitchen.html#bread", "nowhere", QUESTION_ANSWER]

OPEN = """async (base) => {
  const { createSearch } = await import(base + "latefind.js");
  globalThis.search = await createSearch({ base });
  await search.loadSemantic();
}"""

ASK = "(text) => search.query(text, { mode: 'semantic' })"
RANK = "([text, ids]) => search.rank(text, ids).catch(({ code, message }) => ({ code, message }))"

Answer = Mapping[str, Any]


@dataclass
class Host:
    """A static host with a long cache life, that can be made to serve parts of an index badly."""

    url: str = ""
    damaged: Counter[str] = field(default_factory=Counter)
    """How often a file, by its path below the bundle, will come with a wrong byte."""
    lost: set[str] = field(default_factory=set)
    """Files that are answered with status 404."""
    together: threading.Barrier | None = None
    """Shards wait here for each other before they are answered."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Path of each part of the index that was asked for, with the request's Cache-Control."""

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args: Any, host: Host, **kwargs: Any) -> None:
        self.host = host
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        path = PurePosixPath(self.path)
        if path.parent.name != "index":
            return super().do_GET()
        name = f"index/{path.name}"
        self.host.requests.append((name, self.headers.get("Cache-Control", "")))
        if self.host.together and "shard" in path.name:
            self.host.together.wait(timeout=20)
        data = bytearray(Path(self.translate_path(self.path)).read_bytes())
        if self.host.damaged[name] > 0:
            self.host.damaged[name] -= 1
            data[-1] ^= 1
        self.send_response(HTTPStatus.NOT_FOUND if name in self.host.lost else HTTPStatus.OK)
        self.send_header("Cache-Control", "max-age=31536000, immutable")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        return None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        pass


@contextmanager
def serve_parts(site: Path) -> Iterator[Host]:
    host = Host()
    handler = functools.partial(Handler, directory=str(site.parent.parent), host=host)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host.url = f"http://127.0.0.1:{server.server_address[1]}/{SUB_PATH}/"
    yield host
    server.shutdown()
    server.server_close()


def open_search(watched: Watched, host: Host) -> None:
    watched.page.goto(host.url)
    watched.page.evaluate(OPEN, f"{host.url}latefind/")


def wanted_shards(site: Path, text: str) -> list[str]:
    """Return the paths of the shards that a first query wants."""
    native = NativeSearch(site)
    engine = Engine(native.manifest)
    for path in engine.initial:
        engine.add_part(path, (native.folder / path).read_bytes())
    return engine.needs(native.encode(text))


def shard_of(site: Path, section: str) -> str:
    """Return the path of the shard that holds a section."""
    folder = site / "latefind"
    for part in Manifest.from_bytes((folder / "manifest.json").read_bytes()).by_role("shard"):
        records = read_shard((folder / part.path).read_bytes()).records
        if section in [decode_section(record).id for record in records]:
            return part.path
    raise AssertionError(f"no shard holds {section}")


@dataclass(frozen=True)
class Visit:
    """A visit to a host that works: what was asked, what came, which parts of the index were fetched."""

    status: Mapping[str, int]
    at_start: Sequence[str]
    first: Answer
    for_first: Sequence[str]
    repeated: Answer
    for_repeated: Sequence[str]
    answers: Sequence[Answer]
    ranked: Sequence[Answer]
    for_ranked: Sequence[str]
    console: Sequence[str]


@pytest.fixture(scope="module")
def visit(large_site: Path, chromium: Browser) -> Visit:
    with serve_parts(large_site) as host, watch(chromium) as watched:
        open_search(watched, host)
        at_start = host.paths()
        host.together = threading.Barrier(MAX_SHARDS)  # Unless the shards are asked for together, none comes.
        first = watched.page.evaluate(ASK, QUESTION)
        host.together = None
        after_first, requests = len(host.requests), len(watched.requests)
        repeated = watched.page.evaluate(ASK, QUESTION)
        for_repeated = watched.requests[requests:]
        ranked = watched.page.evaluate(RANK, [QUESTION, NAMED])
        return Visit(
            status=watched.page.evaluate("search.status"),
            at_start=at_start,
            first=first,
            for_first=host.paths()[len(at_start) : after_first],
            repeated=repeated,
            for_repeated=for_repeated,
            ranked=ranked,
            for_ranked=host.paths()[after_first:],
            answers=[watched.page.evaluate(ASK, text) for text in QUERIES],
            console=list(watched.console),
        )


def test_start_loads_codec_and_summary_in_one_file(visit: Visit) -> None:
    """The root of the words comes in the manifest; the site is small enough for its words to be one file."""
    started = sorted(path.split("-")[0] for path in visit.at_start)
    assert started == ["index/index", "index/lexical"]


def test_status_counts_what_comes_before_the_first_answer(large_site: Path, visit: Visit) -> None:
    manifest = Manifest.from_bytes((large_site / "latefind/manifest.json").read_bytes())
    later = (*ON_DEMAND, "lexical")
    expected = sum(part.size for part in manifest.parts if part.role not in later and not part.data)
    assert visit.status["bytesTotal"] == visit.status["bytesLoaded"] == expected


def test_first_query_fetches_its_shards_in_one_round_of_at_most_six(visit: Visit) -> None:
    """With codec and summary that is two rounds and seven requests; see the barrier of the visit."""
    assert len(visit.for_first) == len(set(visit.for_first)) == MAX_SHARDS
    assert visit.first["results"][0]["id"] == QUESTION_ANSWER
    assert visit.first["warnings"] == []
    assert visit.first["timings"]["fetch"] > 0


def test_repeated_query_makes_no_request(visit: Visit) -> None:
    assert visit.for_repeated == []
    assert visit.repeated["results"] == visit.first["results"]


def test_browser_gives_the_native_ids_in_the_native_order(large_site: Path, visit: Visit) -> None:
    """The two encoders round differently, so sections whose scores are that close may change places."""
    native = NativeSearch(large_site)
    for text, answer in zip(QUERIES, visit.answers, strict=True):
        expected = native.search(text).results
        assert [r["id"] for r in answer["results"][:3]] == [r.section.id for r in expected[:3]]
        assert [r["score"] for r in answer["results"]] == pytest.approx([r.score for r in expected], abs=0.05)
    assert visit.console == []


def test_rank_orders_known_sections_and_reports_the_others(large_site: Path, visit: Visit) -> None:
    native, unknown = NativeSearch(large_site).rank(QUESTION, NAMED)
    assert [row["id"] for row in visit.ranked] == [*(name for name, _ in native), *unknown]
    assert [row["score"] for row in visit.ranked[:2]] == pytest.approx(
        [score for _, score in native], abs=0.05
    )
    assert visit.ranked[2] == {"id": "nowhere", "score": None, "unknown": True}


def test_rank_fetches_names_and_the_shards_of_its_sections_alone(large_site: Path, visit: Visit) -> None:
    names, *shards = visit.for_ranked
    assert names.startswith("index/names-")
    assert set(shards) == {shard_of(large_site, "kitchen.html#bread")} - set(visit.for_first)


@dataclass(frozen=True)
class BadVisit:
    """A visit to a host whose copy of one shard is damaged, and of another was damaged in transit once."""

    lost: str
    """Shard that is damaged however often it is fetched, then repaired."""
    once: str
    """Shard of which the first copy alone is damaged."""
    refused: str
    """Shard that is not there at first, then is."""
    caches: Mapping[str, Sequence[str]]
    """For each shard, the Cache-Control of each request of the first query."""
    ranked: Mapping[str, str]
    first: Answer
    second: Answer


@pytest.fixture(scope="module")
def bad_visit(large_site: Path, chromium: Browser) -> BadVisit:
    lost = shard_of(large_site, QUESTION_ANSWER)
    once, refused, *_ = [path for path in wanted_shards(large_site, QUESTION) if path != lost]
    with serve_parts(large_site) as host, watch(chromium) as watched:
        host.damaged = Counter({lost: 4, once: 1})
        host.lost = {refused}
        open_search(watched, host)
        first = watched.page.evaluate(ASK, QUESTION)
        caches = {name: [cache for path, cache in host.requests if path == name] for name in host.paths()}
        ranked = watched.page.evaluate(RANK, [QUESTION, [QUESTION_ANSWER]])
        host.damaged.clear()
        host.lost.clear()
        second = watched.page.evaluate(ASK, QUESTION)
    return BadVisit(lost, once, refused, caches, ranked, first, second)


def test_shards_not_to_be_had_are_named_while_the_others_answer(bad_visit: BadVisit) -> None:
    warnings = {warning["code"]: warning["message"] for warning in bad_visit.first["warnings"]}
    assert warnings.keys() == {"integrity", "network"}
    assert bad_visit.lost in warnings["integrity"]
    assert bad_visit.refused in warnings["network"]
    assert bad_visit.first["results"]
    assert QUESTION_ANSWER not in [result["id"] for result in bad_visit.first["results"]]


def test_damaged_shard_is_fetched_once_more_past_the_caches(bad_visit: BadVisit) -> None:
    assert bad_visit.caches[bad_visit.lost] == ["", "no-cache"]
    assert bad_visit.caches[bad_visit.once] == ["", "no-cache"]
    assert bad_visit.once not in str(bad_visit.first["warnings"])


def test_failed_shards_are_tried_again_at_the_next_query(bad_visit: BadVisit) -> None:
    """Past the caches: the host lets the browser keep its answers, errors too, for a year."""
    assert bad_visit.second["warnings"] == []
    assert bad_visit.second["results"][0]["id"] == QUESTION_ANSWER


def test_rank_refuses_an_order_without_a_section(bad_visit: BadVisit) -> None:
    assert bad_visit.ranked["code"] == "integrity"
    assert bad_visit.lost in bad_visit.ranked["message"]


def test_page_says_that_results_may_be_missing(large_site: Path, watched: Watched) -> None:
    shard = shard_of(large_site, QUESTION_ANSWER)
    with serve_parts(large_site) as host:
        host.lost.add(shard)
        watched.page.goto(f"{host.url}latefind/?q={QUESTION}")
        watched.page.locator("latefind-search li a").first.wait_for(timeout=120_000)
        element = watched.page.locator("latefind-search")
        expect(element.get_by_text("Some results may be missing")).to_be_visible(timeout=60_000)
        expect(element.get_by_text(shard)).to_have_count(1)


@pytest.mark.parametrize("role", ["index", "names"])
def test_large_index_without_a_part_is_refused_by_the_page(
    large_site: Path, watched: Watched, role: str
) -> None:
    fields = json.loads((large_site / "latefind/manifest.json").read_text("utf-8"))
    fields["parts"] = [part for part in fields["parts"] if part["role"] != role]
    watched.page.goto(site_url(large_site))
    script = """async (text) => {
      const { parseManifest } = await import("/modules/manifest.js");
      try {
        return parseManifest(text);
      } catch ({ code, message }) {
        return [code, message];
      }
    }"""
    code, message = watched.page.evaluate(script, json.dumps(fields))
    assert code == "format"
    assert f"a part of the role {role}" in message

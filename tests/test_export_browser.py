"""An exported model in a real browser: its embeddings by onnxruntime-web, and a site that it searches."""

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from checkpoints import REFERENCE
from conftest import SUB_PATH, Watched, site_url, watch
from playwright.sync_api import Browser
from small_site import QUERIES, write_small_site
from test_browser_search import OPEN

from latefind_build.cli import main
from latefind_build.native import NativeSearch
from latefind_export.golden import read_golden

ENCODE = """async ([runtime, model, texts]) => {
  const { Encoder } = await import("/modules/encoder.js");
  const bytes = fetch(model).then(async (response) => new Uint8Array(await response.arrayBuffer()));
  const encoder = await Encoder.start(runtime, bytes, model);
  const rows = [];
  for (const { ids, mask } of texts) {
    const output = new Uint8Array((await encoder.encode(ids, mask)).buffer);
    rows.push(btoa(Array.from(output, (byte) => String.fromCharCode(byte)).join("")));
  }
  return rows;
}"""
"""The page's own encoder module on token plans: all rows of each, float32, in base64."""


@pytest.fixture(scope="module")
def site(exported: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small site, searched by the reference-shaped model in int8."""
    folder = tmp_path_factory.mktemp("export-host") / SUB_PATH
    write_small_site(folder)
    assert main(["build", str(folder), "--model", str(exported("int8", "bert", REFERENCE))]) == 0
    return folder


@pytest.fixture(scope="module")
def opened(site: Path, chromium: Browser) -> Iterator[Watched]:
    """A page of the site in which `search` is open."""
    with watch(chromium) as watched:
        watched.page.goto(site_url(site))
        watched.page.evaluate(OPEN, f"{site_url(site)}latefind/")
        yield watched


def test_exported_model_searches_a_site_as_natively(site: Path, opened: Watched) -> None:
    """Int8 kernels round differently: scores, of 10 to 15, by .04, so closer sections may change places."""
    native = NativeSearch(site)
    for text in QUERIES:
        answer = opened.page.evaluate("(text) => search.query(text, { mode: 'semantic' })", text)
        expected = native.search(text, 100).results
        scores = {result.section.id: result.score for result in expected}
        results = answer["results"]
        assert results[0]["id"] == expected[0].section.id
        # The native scores, in the browser's order, fall as in the native order.
        order = [scores[result["id"]] for result in results]
        assert order == pytest.approx([result.score for result in expected[:10]], abs=0.05)
        assert [result["score"] for result in results] == pytest.approx(order, abs=0.1)
    assert opened.console == []


@pytest.mark.parametrize(("scheme", "lowest"), [("none", 0.9999), ("int8", 0.995)])
def test_onnxruntime_web_computes_the_golden_embeddings(
    scheme: str, lowest: float, site: Path, exported: Callable[..., Path], watched: Watched
) -> None:
    """In int8 the lowest cosine of a token is .9988."""
    bundle = exported(scheme, "bert", REFERENCE)
    shutil.copy(bundle / "model.onnx", site / f"{scheme}.onnx")
    golden = read_golden(bundle / "golden.json")
    runtime = json.loads((site / "latefind/manifest.json").read_text())["runtime"]["onnxruntime"]
    url = site_url(site)
    watched.page.goto(url)
    texts = [{"ids": text.ids, "mask": text.mask} for text in golden]
    arguments = [f"{url}latefind/{runtime}", f"{url}{scheme}.onnx", texts]
    rows = watched.page.evaluate(ENCODE, arguments)
    for text, row in zip(golden, rows, strict=True):
        found = np.frombuffer(base64.b64decode(row), "<f4").reshape(len(text.ids), -1)[text.positions]
        assert float(np.einsum("pd,pd->p", found, text.embeddings).min()) > lowest, text.text
    assert watched.console == []

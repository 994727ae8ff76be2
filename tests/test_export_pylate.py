"""From a checkpoint to answers, against PyLate: token plans, embeddings, and the order of exact MaxSim.

Checkpoints are PyLate's own (``tests/checkpoints.py``), read by PyLate with nothing but the folder's name,
exported unquantised by `latefind export`, indexed by `latefind build --records`, searched natively.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from checkpoint_tokenizers import repository_texts
from checkpoints import CHAIN, REFERENCE, WIDE
from pylate import models

from latefind.model import Model, TokenPlan
from latefind_build.bundle import open_bundle
from latefind_build.cli import main
from latefind_build.encode import Encoder
from latefind_build.exact import encode_contents, rank_exactly, read_contents
from latefind_build.native import NativeSearch
from latefind_export.golden import TEXTS

CASES: dict[str, tuple[tuple[object, ...], dict[str, object]]] = {
    "reference": (("bert", REFERENCE), {}),
    "384 wide": (("bert", WIDE), {}),
    "dense chain, no expansion": (("bert",), {"head": CHAIN, "do_query_expansion": False}),
    "attended expansion, odd lengths": (
        ("bert",),
        {"attend_to_expansion_tokens": True, "query_length": 17, "document_length": 121},
    ),
    "no prefixes, no skiplist": (
        ("bert",),
        {"query_prefix": "", "document_prefix": "", "skiplist_words": ()},
    ),
    "distilbert": (("distilbert",), {}),
    "roberta": (("roberta",), {}),
    "xlm-roberta": (("xlm_roberta",), {}),
    "modernbert": (("modernbert",), {}),
    "stanford": (("stanford",), {}),
}

QUERIES = 50
TIE = 1e-5
"""Scores relatively this close are a tie: sums of a few dozen float32 products in another order."""


@dataclass(frozen=True)
class Case:
    """One checkpoint in PyLate and as a bundle."""

    pylate: models.ColBERT
    bundle: Path
    model: Model

    def expected(self, kind: str, text: str) -> tuple[TokenPlan, npt.NDArray[np.float32]]:
        """PyLate's token plan and its embeddings of the scored positions."""
        output: dict[str, Any] = self.pylate.encode([text], is_query=kind == "query", output_value=None)
        names = ("input_ids", "attention_mask", "masks", "token_embeddings")
        ids, mask, scored, embeddings = (np.asarray(output[name][0]) for name in names)
        return TokenPlan(ids, mask, scored), embeddings[scored]

    def plan(self, kind: str, text: str) -> TokenPlan:
        return self.model.plan_query(text) if kind == "query" else self.model.plan_document(text)


@pytest.fixture(scope="module", params=CASES, ids=list(CASES))
def case(
    request: pytest.FixtureRequest, checkpoint: Callable[..., Path], exported: Callable[..., Path]
) -> Case:
    torch.set_num_threads(1)
    arguments, settings = CASES[request.param]
    bundle = open_bundle(exported("none", *arguments, **settings))
    return Case(
        models.ColBERT(str(checkpoint(*arguments, **settings)), device="cpu"),
        bundle.folder,
        Model.from_bytes(bundle.settings, bundle.tokenizer.read_bytes()),
    )


def documents() -> list[str]:
    """Paragraphs of the documentation that are short enough to be one passage in every vocabulary."""
    return [text for text in repository_texts() if len(text) < 250][:120]


def queries() -> list[str]:
    """Pieces of documents: random weights understand no paraphrase."""
    pieces = [text.split()[2:11] for text in documents()]
    return [" ".join(piece) for piece in pieces if len(piece) == 9][:QUERIES]


def test_reference_makes_the_known_token_plan(
    checkpoint: Callable[..., Path], exported: Callable[..., Path]
) -> None:
    bundle = open_bundle(exported("none", "bert", REFERENCE))
    model = Model.from_bytes(bundle.settings, bundle.tokenizer.read_bytes())
    query, document = (
        model.plan_query("Mars is the Red Planet."),
        model.plan_document("Mars is the Red Planet."),
    )
    assert query.ids.tolist() == [101, 30522, 7733, 2003, 1996, 2417, 4774, 1012, 102, *[103] * 23]
    assert query.mask.tolist() == [1] * 9 + [0] * 23
    assert query.scored.all()
    assert document.ids.tolist() == [101, 30523, 7733, 2003, 1996, 2417, 4774, 1012, 102]
    assert document.mask.all()
    assert document.ids[~document.scored].tolist() == [1012]


def test_export_makes_pylates_tokens_and_embeddings(case: Case) -> None:
    encoder = Encoder(case.bundle / "model.onnx")
    texts = [
        *TEXTS,
        *(("query", text) for text in queries()[:20]),
        *(("document", text) for text in documents()[:40]),
    ]
    lowest = 1.0
    for kind, text in texts:
        plan, embeddings = case.expected(kind, text)
        ours = case.plan(kind, text)
        assert ours.ids.tolist() == plan.ids.tolist(), text
        assert ours.mask.tolist() == plan.mask.tolist(), text
        assert ours.scored.tolist() == plan.scored.tolist(), text
        lowest = min(lowest, float(np.einsum("td,td->t", encoder.encode(ours), embeddings).min()))
    assert lowest > 0.9999


def test_index_of_export_ranks_like_pylate(case: Case, tmp_path: Path) -> None:
    records = tmp_path / "records.jsonl"
    lines = [json.dumps({"id": str(number), "text": text}) for number, text in enumerate(documents())]
    records.write_text("\n".join(lines), encoding="utf-8")
    options = {"--records": records, "--output": tmp_path / "index", "--model": case.bundle}
    assert main(["build", *(str(word) for option in options.items() for word in option)]) == 0
    native = NativeSearch(tmp_path / "index")
    contents = read_contents(native)
    assert len(contents.passages) == len(lines)
    vectors = [native.encode(text) for text in queries()]
    rankings = rank_exactly(contents, encode_contents(native, contents, 1), vectors, 10)

    expected = pylate_scores(case.pylate)
    assert len(rankings) == QUERIES
    for ranking, scores in zip(rankings, expected, strict=True):
        # PyLate's scores, in our order: they fall as in its own order, but for ties.
        ours = scores[[int(name) for name in ranking]]
        np.testing.assert_allclose(ours, np.sort(scores)[::-1][:10], rtol=TIE)
    # The index is quantised, and vectors of random weights compress badly: the best is found, if not first.
    found = [[result.section.id for result in native.search(text).results] for text in queries()]
    best = expected.argmax(axis=1).astype(str)
    assert np.mean([name in ids for name, ids in zip(best, found, strict=True)]) > 0.85


def pylate_scores(pylate: models.ColBERT) -> npt.NDArray[np.float32]:
    """MaxSim of PyLate's embeddings, float32 (queries, documents)."""
    encoded = pylate.encode(documents(), is_query=False)
    return np.array(
        [
            [(query @ document.T).max(axis=1).sum() for document in encoded]
            for query in pylate.encode(queries(), is_query=True)
        ]
    )

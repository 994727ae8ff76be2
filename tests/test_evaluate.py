"""`latefind eval` on the small site: its figures, its comparison with exact MaxSim, the page, bad input."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from small_site import PARAPHRASE, PARAPHRASE_ANSWER

from latefind_build.cli import main
from latefind_build.exact import score_passages

ANSWERS = {
    PARAPHRASE: PARAPHRASE_ANSWER,
    "stop snails eating my lettuce": "garden/#slugs",
    "how do I get a good crust on a loaf": "kitchen.html#bread",
    "sharp blade": "kitchen.html#knives",
    "pay less to the tax office": "money.html#tax",
}


@pytest.fixture
def questions(tmp_path: Path) -> list[str]:
    """The options that name the two files, with a judgement of each answer."""
    queries, qrels = tmp_path / "queries.jsonl", tmp_path / "qrels.tsv"
    rows = [{"_id": f"q{n}", "text": text} for n, text in enumerate(ANSWERS)]
    queries.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    lines = [f"q{n}\t{answer}\t1\n" for n, answer in enumerate(ANSWERS.values())]
    qrels.write_text("query-id\tcorpus-id\tscore\n" + "".join(lines), "utf-8")
    return ["--queries", str(queries), "--qrels", str(qrels)]


def test_eval_finds_the_small_site_easy(
    built_site: Path, questions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(built_site), *questions, "--exact", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["queries"] == len(ANSWERS)
    assert found["index"]["ndcg_10"] > 0.8
    assert found["index"]["recall_100"] == 1.0
    assert found["exact"]["ndcg_10"] > 0.8
    assert found["kept"]["ndcg_10"] == pytest.approx(found["index"]["ndcg_10"] / found["exact"]["ndcg_10"])
    assert found["kept"]["overlap_100"] == 1.0
    assert "browser" not in found


def test_eval_measures_every_mode(
    built_site: Path, questions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(built_site), *questions, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["modes"]) == ["lexical", "semantic", "hybrid"]
    assert found["modes"]["semantic"] == found["index"]
    assert found["modes"]["lexical"]["ndcg_10"] < found["modes"]["hybrid"]["ndcg_10"]


def test_eval_measures_one_mode_alone(
    built_site: Path, questions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(built_site), *questions, "--mode", "lexical", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["modes"] == {"lexical": found["index"]}


@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
def test_search_finds_what_shares_no_word(
    built_site: Path, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    assert main(["search", str(built_site), PARAPHRASE, "--mode", mode, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == PARAPHRASE_ANSWER


def test_search_by_words_needs_the_words(built_site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", str(built_site), "casserole", "--mode", "lexical", "--json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == ["kitchen.html#bread"]


def test_eval_in_the_browser_gives_the_native_figures(built_site: Path, questions: list[str]) -> None:
    # In a process of its own: Playwright's synchronous API runs once in a thread, and the tests use it.
    command = [sys.executable, "-m", "latefind_build.cli", "eval", str(built_site), *questions]
    done = subprocess.run([*command, "--browser", "--json"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["browser"] == found["index"]
    assert found["browser_modes"] == found["modes"]
    assert [agreement["overlap_100"] for agreement in found["agreements"].values()] == [1.0] * 3


def test_eval_prints_a_table(
    built_site: Path, questions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(built_site), *questions, "--exact", "--limit", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["nDCG@10", "lexical", "semantic", "hybrid", "exact"]
    assert "2 queries" in lines


def test_eval_warns_of_ids_that_the_index_does_not_hold(
    built_site: Path, questions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with Path(questions[3]).open("a") as file:
        file.write("q0\tnowhere\t1\nq0\telsewhere\t1\nq77\tgarden/#slugs\t1\n")
    assert main(["eval", str(built_site), *questions]) == 0
    warnings = capsys.readouterr().err
    assert "qrels.tsv, line 7 and 1 more: expected an id that the index holds, got 'nowhere'." in warnings
    assert "qrels.tsv, line 9: expected a query of" in warnings


def test_eval_refuses_judgements_of_another_index(
    built_site: Path, questions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path(questions[3]).write_text("query-id\tcorpus-id\tscore\nq0\tnowhere\t1\n")
    assert main(["eval", str(built_site), *questions]) == 1
    assert "Do queries, judgements and index belong together?" in capsys.readouterr().err


def test_eval_names_what_the_browser_needs(
    built_site: Path,
    questions: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    assert main(["eval", str(built_site), *questions, "--browser"]) == 2
    assert "--browser: expected the package playwright, got none. pip install" in capsys.readouterr().err


def test_score_passages_equals_a_naive_maxsim() -> None:
    rng = np.random.default_rng(1)
    lengths = [3, 0, 5000, 1, 0, 7]
    passages = [rng.normal(size=(n, 8)).astype(np.float32) for n in lengths]
    queries = [rng.normal(size=(n, 8)).astype(np.float32) for n in (4, 1, *[3] * 18)]

    def embeddings() -> Iterator[npt.NDArray[np.float32]]:
        yield from passages

    found = score_passages(queries, embeddings(), len(passages))
    naive = [[float((p @ q.T).max(axis=0).sum()) if len(p) else -np.inf for p in passages] for q in queries]
    np.testing.assert_allclose(found, naive, rtol=1e-5, atol=1e-5)

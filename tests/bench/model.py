"""One table for a model: every target of it, through the bundle that ships, beside the placeholder's.

``python tests/bench/model.py --model NAME=BUNDLE [--model …] --texts FOLDER`` prints Markdown. All is native
search in indexes that ``latefind build`` makes with its defaults: words, meaning, both, and exact MaxSim of
the same encoder for what pooling and codec cost. ``--browser`` adds the time that encoding a query takes in
Chromium. What was measured is kept in the work folder by the hashes of bundles and sets, so that a run that
was cut short goes on; ``--fresh`` measures all again.

The first model is the one that the others are compared with: the one that we ship, unless ``--only`` leaves
it out. Confidence intervals are of 95 %, by bootstrap over queries: each set's queries are drawn anew, and
the mean is over sets. The sign test counts the queries that a model answers better and worse than the first.
"""

import argparse
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from indexes import run_build
from model_table import format_tables
from texts import default_folder

from latefind_build.bundle import DEFAULT_MODEL, ModelBundle, open_bundle
from latefind_build.cache import EmbeddingCache, cache_file, encode_cached
from latefind_build.encode import Encoder, default_jobs
from latefind_build.evaluate import DEPTH
from latefind_build.exact import plan_contents, rank_exactly, read_contents
from latefind_build.judgements import Question, join_questions, read_judgements, read_queries
from latefind_build.metrics import ndcg
from latefind_build.native import NativeSearch
from latefind_build.progress import say

CROSS = {"xquad": "xquad-en", "gnome-help": "gnome-help-en"}
"""Sets whose ids are the same in all languages, and the one in English that is searched."""


@dataclass(frozen=True)
class Model:
    """A bundle under the name that the tables give it."""

    name: str
    bundle: ModelBundle

    @property
    def key(self) -> str:
        """Return what stands for the bundle's files."""
        return hashlib.sha256(self.bundle.settings).hexdigest()[:12]


def main() -> None:
    options = _parse()
    models = [_open(text) for text in options.model]
    if not options.only:
        models.insert(0, Model("placeholder", open_bundle(DEFAULT_MODEL)))
    names = sorted(path.parent.name for path in options.texts.glob("*/corpus.jsonl"))
    names = [name for name in names if not options.sets or name in options.sets.split(",")]
    work = options.work.resolve()
    if options.fresh:
        shutil.rmtree(work / "model", ignore_errors=True)
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for model in models:
        found[model.name] = {
            name: _kept(
                work / "model" / f"{model.key}-{name}-{_hash_set(options.texts, name, names)}.json",
                lambda name=name, model=model: measure_set(options.texts, name, names, work, model),
            )
            for name in names
        }
    sizes = {model.name: measure_size(model.bundle) for model in models}
    times = {}
    if options.browser:
        from model_browser import measure_times

        questions = list(read_queries(options.texts / names[0] / "queries.jsonl").values())[:30]
        times = measure_times({model.name: model.bundle for model in models}, questions, work)
    print(format_tables(found, sizes, times))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", default=[], metavar="NAME=BUNDLE")
    parser.add_argument("--only", action="store_true", help="leave out the model that we ship")
    parser.add_argument(
        "--texts", type=Path, default=default_folder(), help="folder of sets in BEIR's format"
    )
    parser.add_argument("--sets", help="only these, separated by commas")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "latefind-bench")
    parser.add_argument("--browser", action="store_true", help="time the encoder in Chromium too")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured before")
    options = parser.parse_args()
    if options.texts is None:
        parser.error("--texts: expected a folder of sets, got none")
    return options


def _open(text: str) -> Model:
    name, _, folder = text.partition("=")
    if not folder:
        raise SystemExit(f"--model: expected NAME=BUNDLE, got {text}.")
    return Model(name, open_bundle(Path(folder)))


def _hash_set(texts: Path, name: str, names: Sequence[str]) -> str:
    """Return what stands for a set's files, and for the sets whose questions it is asked across languages."""
    digest = hashlib.sha256(",".join(names).encode() if name in CROSS.values() else b"")
    for file in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"):
        digest.update((texts / name / file).read_bytes())
    return digest.hexdigest()[:8]


def _kept(path: Path, measure: Callable[[], dict[str, list[float]]]) -> dict[str, list[float]]:
    if path.is_file():
        kept: dict[str, list[float]] = json.loads(path.read_text("utf-8"))
        return kept
    found = measure()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found), "utf-8")
    return found


def measure_set(
    texts: Path, name: str, names: Sequence[str], work: Path, model: Model
) -> dict[str, list[float]]:
    """Return each query's nDCG@10 by what answered: words, meaning, both, exact, from other languages."""
    folder = texts / name
    target = work / f"index-{model.key}"
    cache = work / "cache"
    bundle = str(model.bundle.folder)
    run_build(folder / "corpus.jsonl", target, cache, ["--model", bundle])
    native = NativeSearch(target)
    questions = _questions(folder)
    found = {mode: _ask(native, questions, mode) for mode in native.modes}
    found["exact"] = _ask_exactly(native, questions, cache, model.bundle)
    # Questions of other languages, asked of the English index while it is there.
    for family, english in CROSS.items():
        for other in names if name == english else ():
            if other.startswith(f"{family}-") and other != english:
                asked = _translated(_questions(texts / other), questions)
                found[f"from {other.removeprefix(family + '-')}"] = _ask(native, asked, "semantic")
    shutil.rmtree(target)
    said = ", ".join(f"{mode} {fmean(values):.3f}" for mode, values in found.items() if values)
    say(f"{model.name}, {name}: {said}")
    return found


def _questions(folder: Path) -> list[Question]:
    return join_questions(read_queries(folder / "queries.jsonl"), read_judgements(folder / "qrels.tsv"))


def _translated(asked: Sequence[Question], english: Sequence[Question]) -> list[Question]:
    """Return the questions that have an English one of the same id, with its judgements."""
    judged = {question.id: question.judged for question in english}
    return [Question(q.id, q.text, judged[q.id]) for q in asked if q.id in judged]


def _ask(native: NativeSearch, questions: Sequence[Question], mode: str) -> list[float]:
    return [
        ndcg([r.section.id for r in native.answer(question.text, 10, mode=mode)], question.judged, 10)
        for question in questions
    ]


def _ask_exactly(
    native: NativeSearch, questions: Sequence[Question], cache: Path, bundle: ModelBundle
) -> list[float]:
    contents = read_contents(native)
    queries = [native.engine.weigh(native.encode(question.text)) for question in questions]
    with EmbeddingCache(cache_file(cache, bundle.settings), bundle.spec.dimensions) as kept:
        plans = plan_contents(native, contents)
        vectors = encode_cached(Encoder(bundle.onnx), plans, default_jobs(), kept)
        floats = (embeddings.astype(np.float32) for embeddings in vectors)
        ranked = rank_exactly(contents, floats, queries, DEPTH)
    return [ndcg(ranking, q.judged, 10) for ranking, q in zip(ranked, questions, strict=True)]


def measure_size(bundle: ModelBundle) -> tuple[int, int]:
    """Return the bytes of model and tokenizer together, and the same after brotli."""
    import brotli

    contents = [bundle.onnx.read_bytes(), bundle.tokenizer.read_bytes()]
    return sum(map(len, contents)), sum(len(brotli.compress(data, quality=9)) for data in contents)


if __name__ == "__main__":
    main()

"""Measure the word index: nDCG@10 with and without a typing error, requests and bytes.

::

    python tests/bench/lexical.py ../shared/eval [--sets faq-en,scifact] [--sizes 2500,100000]

The first table is nDCG@10 on every set. Where bm25s and PyStemmer can be imported it has bm25s too: Lucene's
variant, k1 1.2, b .75, Snowball stems, no stop words. The error is one edit at a random place of a random
word of four letters or more, the same for every system.

The second is what queries fetch in indexes of other sizes, with nothing in the cache, until the first three
results can be shown: the manifest with the root in it, postings, words, and cards. Bytes are those of the
files, and of the root as gzip leaves it in the manifest, of which the rest (about 4 kB) is not counted. A
*round* is what can be fetched at once. Sections are windows of the English sets' documents, in runs from one
set; in copies some words become new ones, so that the vocabulary grows. Their order is that, or the one that
a build of so many has: alike beside alike. Queries are the sets' own, whole or cut to a few words.
"""

import argparse
import base64
import functools
import gzip
import json
import random
import re
import resource
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, quantiles
from unittest import mock

import numpy as np

from latefind.lexical import LexicalIndex
from latefind.lexical_analysis import LANGUAGES
from latefind.lexical_format import read_postings
from latefind.passages import Section
from latefind_build.index import SHARD_BYTES
from latefind_build.judgements import join_questions, read_judgements, read_queries
from latefind_build.lexical import build_lexical
from latefind_build.lexical_files import LexicalFiles
from latefind_build.metrics import ndcg
from latefind_build.order import order_sections
from latefind_build.stemmers import analyser_of

SEED = 20_260_101
SECTION_WORDS = 120
"""Words of a synthetic section: about a screen."""

RUN = 40
"""Sections in a row from one set."""

QUERY_WORDS = (2, 3, 4, 5)
QUERIES = 400
TOP, SHOWN = 10, 3

BUCKETS, DIMENSIONS = 2**16, 64
"""Of the random projection of words by which sections are ordered."""


@dataclass(frozen=True)
class Set:
    """One evaluation set."""

    name: str
    language: str
    sections: Sequence[Section]
    questions: Sequence[tuple[str, Mapping[str, int]]]


def load_set(folder: Path) -> Set:
    """Read a set in BEIR's format; its language is the end of its name, or English."""
    end = folder.name.rsplit("-", 1)[-1]
    language = end if end in LANGUAGES else "en"
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    sections = [
        Section(record["_id"], "", record.get("title", ""), record["text"], lang=language)
        for record in records
    ]
    found = join_questions(read_queries(folder / "queries.jsonl"), read_judgements(folder / "qrels.tsv"))
    return Set(folder.name, language, sections, [(question.text, question.judged) for question in found])


def mistype(text: str, chance: random.Random) -> str:
    """Return ``text`` with one edit in one word of four letters or more."""
    words = list(re.finditer(r"[^\W\d_]{4,}", text))
    if not words:
        return text
    start, end = chance.choice(words).span()
    at = chance.randrange(start, end)
    letter = chance.choice("abcdefghijklmnopqrstuvwxyz")
    at_swap = min(at, end - 2)
    return chance.choice(
        [
            text[:at] + letter + text[at:],
            text[:at] + text[at + 1 :],
            text[:at] + letter + text[at + 1 :],
            text[:at_swap] + text[at_swap + 1] + text[at_swap] + text[at_swap + 2 :],
        ]
    )


def open_files(files: LexicalFiles) -> LexicalIndex:
    """Open an index that is in memory."""
    return LexicalIndex.open(files.root, files.others.__getitem__)


def quality(one: Set) -> list[float]:
    """Return nDCG@10 of bm25s, of ours, of bm25s and ours with an error."""
    index = open_files(build_lexical(one.sections, [one.language]))
    analyser = analyser_of(one.language)
    chance = random.Random(SEED)
    typed = [text for text, _ in one.questions]
    mistyped = [mistype(text, chance) for text in typed]

    def ours(text: str) -> list[str]:
        return [
            one.sections[number].id for number in index.search(text, analyser, limit=TOP).documents.tolist()
        ]

    reference = _bm25s(one)
    rows = []
    for texts in (typed, mistyped):
        for rank in (reference, ours):
            ranked = [
                (rank(text) if rank else [], judged)
                for text, (_, judged) in zip(texts, one.questions, strict=True)
            ]
            rows.append(mean(ndcg(ids, judged, TOP) for ids, judged in ranked) if rank else float("nan"))
    return rows


def _bm25s(one: Set):  # type: ignore[no-untyped-def]
    try:
        import bm25s
        import Stemmer
    except ImportError:
        return None
    stemmer = Stemmer.Stemmer(LANGUAGES[one.language])
    texts = [f"{section.title} {section.text}".strip() for section in one.sections]
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index(
        bm25s.tokenize(texts, stopwords=None, stemmer=stemmer, show_progress=False), show_progress=False
    )

    def rank(text: str) -> list[str]:
        tokens = bm25s.tokenize(
            [text], stopwords=None, stemmer=stemmer, show_progress=False, return_ids=False
        )
        if not tokens[0]:
            return []
        rows, scores = index.retrieve(tokens, k=min(TOP, len(texts)), show_progress=False)
        return [one.sections[row].id for row, score in zip(rows[0], scores[0], strict=True) if score > 0]

    return rank


def synthesise(sets: Sequence[Set], count: int) -> list[Section]:
    """Return ``count`` sections of about a screen each, in runs from one set, on pages of ten."""
    chance = random.Random(SEED)
    windows = [list(_windows(one)) for one in sets]
    for found in windows:
        chance.shuffle(found)
    sections: list[Section] = []
    used = [0] * len(sets)
    while len(sections) < count:
        which = chance.choices(range(len(sets)), [len(found) for found in windows])[0]
        for _ in range(min(RUN, count - len(sections))):
            copies, place = divmod(used[which], len(windows[which]))
            used[which] += 1
            text = windows[which][place]
            words = text.split()
            if copies:
                words = [_renew(word, chance) for word in words]
            number = len(sections)
            begin = chance.randrange(max(1, len(words) - 4))
            title = " ".join(words[begin : begin + chance.randint(2, 6)]).capitalize()
            url = f"/guide/{sets[which].name}/page-{number // 10}/#" + re.sub(
                "[^a-z0-9]+", "-", title.lower()
            ).strip("-")
            crumbs = (f"Page {number // 10} of {sets[which].name}",)
            sections.append(Section(url, url, title, " ".join(words), crumbs, sets[which].language))
    return sections


def _windows(one: Set) -> Iterator[str]:
    for section in one.sections:
        words = section.text.split()
        for start in range(0, max(1, len(words) - SECTION_WORDS // 2), SECTION_WORDS):
            yield " ".join(words[start : start + SECTION_WORDS])


def _renew(word: str, chance: random.Random) -> str:
    """Now and then return a word that may be new: Heaps' law with about half a new word a section."""
    if chance.random() > 0.01 or not word.isalpha():
        return word
    return word[: chance.randint(1, 4)] + "".join(chance.choices("aeioulnrst", k=chance.randint(2, 6)))


def order_alike(sections: Sequence[Section]) -> list[Section]:
    """Return sections as a large index orders them, by shared words in place of vectors."""
    table = np.random.default_rng(SEED).standard_normal((BUCKETS, DIMENSIONS)).astype(np.float32)
    rows = [
        np.array([zlib.crc32(word.encode()) % BUCKETS for word in sorted(words)], np.int64)
        for words in (set(section.text.lower().split()) for section in sections)
    ]
    counts = np.bincount(np.concatenate(rows), minlength=BUCKETS)
    weights = np.log(len(sections) / (counts + 1)).astype(np.float32)
    means = np.stack([weights[row] @ table[row] for row in rows])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    # About a thousand sections a shard, as passages of the model that ships give.
    shards = order_sections(means, [SHARD_BYTES // 1000] * len(sections), SHARD_BYTES)
    return [sections[number] for number in np.concatenate(shards).tolist()]


def weigh(sets: Sequence[Set], sections: Sequence[Section]) -> dict[str, object]:
    """Return what queries of an index of ``sections`` fetch."""
    began = time.perf_counter()
    files = build_lexical(sections, ["en"])
    took = time.perf_counter() - began
    result: dict[str, object] = {
        "files": len(files.others) + 1,
        "bytes": len(files.root) + sum(map(len, files.others.values())),
        "root": len(files.root),
        "in the manifest": len(gzip.compress(base64.b64encode(files.root))),
        "seconds": took,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }
    for group in ("terms", "common", "words", "reversed", "cards", "texts"):
        sizes = [len(data) for name, data in files.others.items() if name.startswith(f"lexical-{group}-")]
        result[group] = (
            f"{len(sizes)} x {mean(sizes or [0]) / 1e3:.0f} kB (largest {max(sizes or [0]) / 1e3:.0f})"
        )
    for label in ("two to five words", "the same with an error", "whole questions"):
        result[label] = _ask(sets, files, label)
    return result


def _ask(sets: Sequence[Set], files: LexicalFiles, label: str) -> str:
    """Return what queries fetch, each of an index of which nothing is known yet."""
    chance = random.Random(SEED)
    root = len(gzip.compress(base64.b64encode(files.root)))
    requests, weights, rounds = [], [], []
    # Read once; each query counts what it fetches all the same.
    remembered = functools.cache(read_postings)
    with mock.patch("latefind.lexical.read_postings", remembered):
        for _ in range(QUERIES):
            one = chance.choice(sets)
            text = chance.choice(one.questions)[0]
            words = text.split()
            size = chance.choice(QUERY_WORDS)
            begin = chance.randrange(max(1, len(words) - size + 1))
            if label != "whole questions":
                text = " ".join(words[begin : begin + size])
            if label == "the same with an error":
                text = mistype(text, chance)
            index = open_files(files)
            found = index.search(text, analyser_of(one.language), limit=TOP)
            list(index.cards(found.documents[:SHOWN].tolist()))
            requests.append(len(index.fetched) + 1)
            weights.append((sum(len(files.others[name]) for name in index.fetched) + root) / 1e3)
            groups = {name.split("-")[1] for name in index.fetched}
            # Manifest and postings; words, and the postings of what they may mean; cards.
            rounds.append(2 + 2 * ("words" in groups) + ("cards" in groups))
    return f"{_spread(requests)} requests, {_spread(weights)} kB, {_spread(rounds)} rounds"


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.1f} (95 %: {quantiles(values, n=20)[-1]:.0f}, most {max(values):.0f})"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", default="")
    parser.add_argument("--sizes", default="2500,100000")
    parser.add_argument("--no-quality", action="store_true")
    options = parser.parse_args()
    names = options.sets.split(",") if options.sets else []
    folders = [path for path in sorted(options.folder.iterdir()) if (path / "qrels.tsv").is_file()]
    sets = [load_set(path) for path in folders if not names or path.name in names]
    if not options.no_quality:
        print(
            "| set | bm25s | latefind | | bm25s, an error | latefind, an error | lost |\n"
            "|---|--:|--:|--:|--:|--:|--:|"
        )
        rows = []
        for one in sets:
            row = quality(one)
            rows.append(row)
            _print_row(one.name, row)
        _print_row("mean", [mean(column) for column in zip(*rows, strict=True)])
    english = [one for one in sets if one.language == "en"] or sets
    for size in filter(None, options.sizes.split(",")):
        sections = synthesise(english, int(size))
        for order, ordered in (("as made", sections), ("alike beside alike", order_alike(sections))):
            print(f"\n{int(size):,} sections, {order}")
            for name, value in weigh(english, ordered).items():
                shown = value if isinstance(value, str) else round(value, 1)  # type: ignore[call-overload]
                print(f"  {name:<22} {shown}", flush=True)


def _print_row(name: str, row: Sequence[float]) -> None:
    reference, ours, mistyped_reference, mistyped = row
    print(
        f"| {name} | {reference:.3f} | {ours:.3f} | {ours - reference:+.3f} | {mistyped_reference:.3f} | "
        f"{mistyped:.3f} | {ours - mistyped:.3f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()

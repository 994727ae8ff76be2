"""``docs/benchmarks.md`` from what was measured; every figure comes from the results, none is typed in."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

HEAD = """---
title: Benchmarks
description: What search costs a visitor, measured in a real browser for indexes of several sizes.
order: 57
---

# Benchmarks

Made by `{command}` on {date}. {hardware}. Figures of other machines differ; the ratios less so.

- Versions: {versions}.
- Texts: {source}. {copies}
- Each size is an index of its own, served by `latefind serve` and opened in a Chromium that has never seen
  it. {questions} questions are asked twice: once each, then once more, which is *warm*. Percentiles are over
  questions. Times are those of `timings` in [the answer](javascript-api.md#the-answer).
"""

SCANS = {
    "decoding": "decode and multiply in NumPy",
    "scanning": "float32 scan in NumPy",
    "simd": "float32 SIMD kernel",
    "maxsim-web": "maxsim-web, float32",
}


def write_report(rows: Sequence[Row], about: Mapping[str, str]) -> str:
    """Return the page: one table an aspect, one line a size."""
    rows = sorted(rows, key=lambda row: row["asked"])
    sections = [
        HEAD.format(**about, copies=_copies(rows)),
        _sizes(rows),
        _times(rows),
        "![Milliseconds of a warm question over the number of passages, both axes logarithmic]"
        "(images/benchmark-growth.svg)",
        _traffic(rows),
        _scans([row for row in rows if row.get("scans")], about),
    ]
    return "\n\n".join(section.strip() for section in sections if section) + "\n"


def _copies(rows: Sequence[Row]) -> str:
    copied = [row for row in rows if row["passages"] > row["real"]]
    if not copied:
        return "Every passage is real and was encoded."
    told = ", ".join(f"{row['passages'] - row['real']:,} of {row['passages']:,}" for row in copied)
    return (
        f"Text ran out, or encoding was limited: {told} passages are copies of real ones, with their "
        "sentences in another order and every vector turned by a random one of length 0.35 (cosine .94)."
    )


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = "|".join(["---"] + ["--:"] * (len(head) - 1))
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return "| " + " | ".join(head) + f" |\n|{rule}|\n{body}"


def _sizes(rows: Sequence[Row]) -> str:
    head = [
        "passages",
        "tier",
        "vectors",
        "bytes a vector",
        "bytes a passage",
        "of it text",
        "index, MB",
        "peak memory, MB",
        "blank, MB",
    ]
    lines = [
        [
            f"{row['passages']:,}",
            row["tier"],
            f"{row['vectors']:,}",
            f"{row['vector_bytes'] / row['vectors']:.1f}",
            f"{row['index_bytes'] / row['passages']:,.0f}",
            f"{row['text_bytes'] / row['passages']:,.0f}",
            f"{row['index_bytes'] / 1e6:.1f}",
            _megabytes(row["visit"]["peak_memory"]),
            _megabytes(row["visit"]["blank_memory"]),
        ]
        for row in rows
    ]
    return (
        "## Size {#size}\n\n" + _table(head, lines) + "\n\n*Bytes a vector*: everything in the index but the "
        "texts. *Peak memory*: the largest resident set of the page's process, which holds Python, the "
        "encoder, the index and the browser's own code; *blank*: the same before latefind is loaded."
    )


def _megabytes(size: int | None) -> str:
    return "–" if size is None else f"{size / 1e6:,.0f}"


def _times(rows: Sequence[Row]) -> str:
    stages = ["tokenize", "encode", "candidates", "rerank", "total"]
    head = ["passages", *stages, "candidates + rerank", "fetch, new question", "total, new question"]
    lines = [
        [
            f"{row['passages']:,}",
            *(_pair(row["visit"]["warm"], stage) for stage in [*stages, "scoring"]),
            _pair(row["visit"]["new"], "fetch"),
            _pair(row["visit"]["new"], "total"),
        ]
        for row in rows
    ]
    return (
        "## Time of a question {#time}\n\nMilliseconds, median / 95th percentile, warm unless it says *new*. "
        "*candidates* finds the passages worth a closer look, *rerank* scores those from their codes and "
        "makes the results.\n\n" + _table(head, lines)
    )


def _pair(measured: Row, stage: str) -> str:
    return f"{measured['median'][stage]:.1f} / {measured['p95'][stage]:.1f}"


def _traffic(rows: Sequence[Row]) -> str:
    head = ["passages", "first: requests", "first: MB", "first, s", "of the index", "new question", "warm"]
    lines = [
        [
            f"{row['passages']:,}",
            str(row["visit"]["first"]["requests"]),
            f"{row['visit']['first']['bytes'] / 1e6:.1f}",
            f"{row['visit']['first_ms'] / 1000:.1f}",
            _count(row["visit"]["first"]),
            _fetched(row["visit"]["new"]),
            _fetched(row["visit"]["warm"]),
        ]
        for row in rows
    ]
    return (
        "## Requests and bytes {#traffic}\n\nUncompressed bytes, counted at the server. The first answer of "
        "a first visit includes Python, the encoder and the model, which do not depend on the index; *of the "
        "index* is what does. Later questions: requests for parts of the index, mean (most), and their mean "
        "size.\n\n" + _table(head, lines)
    )


def _count(traffic: Row) -> str:
    return f"{traffic['index_requests']} for {traffic['index_bytes'] / 1e6:.2f} MB"


def _fetched(measured: Row) -> str:
    mean = f"{measured['requests_mean']:.1f} ({measured['requests_max']})"
    return mean + (f", {measured['bytes_mean'] / 1e3:,.0f} kB" if measured["bytes_mean"] else "")


def _scans(rows: Sequence[Row], about: Mapping[str, str]) -> str:
    if not rows:
        return ""
    kinds = [kind for kind in SCANS if any(kind in row["scans"] for row in rows)]
    head = ["passages", "latefind", *(SCANS[kind] for kind in kinds), "same top ten"]
    lines = []
    for row in rows:
        ours = row["visit"]["warm"]["median"]["scoring"]
        cells = [
            f"{row['scans'][kind]['median']:.0f} ({row['scans'][kind]['median'] / ours:.1f} ×)"
            if kind in row["scans"]
            else "–"
            for kind in kinds
        ]
        lines.append([f"{row['passages']:,}", f"{ours:.1f}", *cells, f"{row['same_ten']:.1%}"])
    return (
        "## Beside exact scans {#scans}\n\nMedian milliseconds from the query's vectors to the first ten, in "
        "the same Chromium, over the very vectors that the index stores (decoded once to float32, except for "
        "the first comparison, which decodes at every question), and how many times ours that is. *Same top "
        "ten*: how much of the exact first ten ours has.\n\n"
        + _table(head, lines)
        + "\n\nThe *SIMD kernel* (`tests/bench/web/maxsim.c`) is a float32 MaxSim in WebAssembly, written to "
        "the limit of what 128-bit vectors give; a vector takes 4 bytes × dimensions, in memory and on the "
        f"wire. {about['maxsim_web']}"
    )

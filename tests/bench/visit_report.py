"""The section of ``docs/benchmarks.md`` on visits; every figure comes from the results, none is typed in."""

from collections.abc import Mapping, Sequence
from typing import Any

from report import _table
from sections import VISIT

Row = Mapping[str, Any]

STAGES = {
    "usable": "button",
    "lexical": "first result",
    "semantic": "meaning ready",
    "refined": "refined",
    "highlights": "highlights",
}


TEXT = (
    VISIT.replace("{", "{{").replace("}", "}}")
    + """

Made by `{command}` on {date}. {hardware}. {note}

Versions: {versions}. Somebody opens the first page of a site, presses the key of the search as soon as there
is a button, and types a question at 80 ms a letter; the policy is `auto`. Seconds are since the navigation
began; with them the requests and the kilobytes that had been sent by then, as `latefind serve` sends them
(HTTP/1.1; text as gzip).

- *Button*: it can be pressed, and so can its key.
- *First result*: by words. *After the key*: the same, since the search was opened.
- *Meaning ready*: Python, encoder, model and index are loaded.
- *Refined*: the answer by both to the whole question. *Highlights*: its last result has its marks.
- *Slow 4G*: every answer begins 150 ms late, and all of them share 1.6 Mbit/s.
- *Second*: the next visit with the same profile. *Offline*: after the visitor wanted a copy
  ({copies}, uncompressed), with the host stopped."""
)


def write_section(rows: Sequence[Row], about: Mapping[str, str]) -> str:
    """Return the section: one table, one line a visit."""
    head = ["site", "line", "visit", *STAGES.values(), "after the key"]
    lines = [
        [
            row["site"],
            row["line"] if row["visit"] != "offline" else "none",
            row["visit"],
            *(_stage(row["stages"].get(stage)) for stage in STAGES),
            f"{(row['stages']['lexical']['ms'] - row['key_ms']) / 1000:.2f} s",
        ]
        for row in rows
    ]
    kept = {row["site"]: row["kept"] for row in rows if "kept" in row}
    copies = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in kept.items())
    return TEXT.format(**about, copies=copies) + "\n\n" + _table(head, lines) + "\n"


def _stage(stage: Mapping[str, float] | None) -> str:
    if stage is None:
        return "–"
    sent = f"{stage['requests']:.0f}, {stage['bytes'] / 1e3:,.0f} kB"
    return f"{stage['ms'] / 1000:.2f} s" + (f" ({sent})" if stage["requests"] else "")

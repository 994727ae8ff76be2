"""The section of ``docs/benchmarks.md`` on the start; every figure comes from the results."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from report import _table
from sections import START

Row = Mapping[str, Any]

MOST = {
    "second": 0.55,
    "first": 0.9,
    "brotli": 18e6,
    "gzip": 21e6,
    "requests": 25,
    "tasks": 0,
    "second page": 0,
}
"""What was aimed at; the first two as shares of the floor."""

LOADS = ("first", "second", "third")
STAGES = {
    "usable": "box",
    "lexical": "first result",
    "semantic": "meaning ready",
    "refined": "first by meaning",
}

TEXT = """{heading}

Made by `{command}` on {date}, in {minutes:.1f} minutes without building. Whatever is compared took turns
in rounds, {rounds} of starts, {visit_rounds} of visits. Medians, with the least and the most in
brackets. {hardware}. {note}

Versions: {versions}. Bodies are counted as `latefind serve` sends them, from files that
`latefind site --precompress` compressed beforehand; the floor's files were compressed alike."""

STARTS = """### Beside bare Pyodide {{#start-floor}}

Milliseconds in a blank page, both served by this machine. *Floor*: the unmodified files of npm, `loadPyodide`
and `import numpy` in a worker, nothing else. *latefind*: `import`, `createSearch` and `loadSemantic`, until
Python, encoder, model and index are ready; then the answer to a first question. *First*: a browser that has
never seen the files; *second* and *third*: new pages with the same profile."""

STAGES_TEXT = """The stages of loads with the median time, as the page's performance timeline has them
(`latefind:*`). *start* is the search worker's and holds *python*, which holds *pyodide*, *packages* and
*import*, or only *restore* where it goes on from [a start that was kept](design.md#kept); *encoder* is the
other worker's and holds *model* and *session*."""

VISITS = """### Visits of the demo site {{#start-visits}}

Somebody opens the first page, presses the key of the search as soon as there is a box, and types a question
at 80 ms a letter; then goes to another page of the site and does the same. Seconds since the navigation
began; in brackets requests with a body, those that were answered by 304, and kilobytes until then. *First by
meaning*: the answer to the whole question by words and meaning. {pagefind}

*4×*: the browser slows the page down by CDP's `Emulation.setCPUThrottlingRate`. The same piece of work took
{page:.1f} times as long in the page then, and {worker:.1f} times in a worker. *Slow 4G*: every answer begins
150 ms late, and all of them share 1.6 Mbit/s, workers' included{no_slow}."""

TASKS = """### Tasks of the main thread {{#start-tasks}}

After everything was ready and the first answer had its last mark, three questions were typed letter by
letter. Tasks above 50 ms (*long task*) and frames that took longer than that (*long frame*, which includes
drawing), over all visits; *of it*: scripts of the longest frame."""


def write_section(found: Row) -> str:
    """Return the section: what was aimed at, then a table an aspect."""
    about = found["about"]
    throttle, visits = found["throttle"], found["visits"]
    note = (
        "*Pagefind*: its default interface on a plain page, over the same pages; it answers when typing has "
        "stopped, so its question is pasted."
        if found["pagefind"]
        else "Pagefind could not be had at this run."
    )
    slow = any(row["line"] == "Slow 4G" for row in visits)
    parts = [
        TEXT.format(
            heading=START, rounds=found["rounds"], visit_rounds=found["visit_rounds"], **about
        ).strip(),
        _aims(found),
        STARTS.format(),
        _starts(found["starts"]),
        STAGES_TEXT,
        "![Bars of the stages of a start, for bare Pyodide and for latefind, first and second load]"
        "(images/boot-timeline.svg)",
        VISITS.format(pagefind=note, no_slow="" if slow else "; not measured at this run", **throttle),
        _visits(visits),
        TASKS.format(),
        _tasks(visits),
    ]
    return "\n\n".join(parts) + "\n"


def _aims(found: Row) -> str:
    lines = [_ratio(found["starts"], load, label) for load, label in (("second", "warm"), ("first", "cold"))]
    ours = [row for row in found["visits"] if row["search"] == "latefind"]
    plain = [row for row in ours if row["line"] == "this machine" and row["slowdown"] == 1]
    first = [row for row in plain if row["page"] == "first"]
    for encoding in ("brotli", "gzip"):
        sizes = [row["stages"]["refined"]["bytes"] for row in first if row["encoding"] == encoding]
        label = f"download to the first semantic result, {encoding}"
        lines.append(
            [label, f"{MOST[encoding] / 1e6:.0f} MB", *_judged(sizes, MOST[encoding], 1e6, "{:.1f} MB")]
        )
    brotli = [row for row in first if row["encoding"] == "brotli"]
    requests = [row["stages"]["refined"]["requests"] for row in brotli]
    lines.append(["requests to it", f"{MOST['requests']}", *_judged(requests, MOST["requests"])])
    second = [row for row in plain if row["page"] == "second" and row["encoding"] == "brotli"]
    asked = [row["stages"]["semantic"]["of_search"] for row in second]
    label = "second page: requests for search until it is ready"
    lines.append([label, f"{MOST['second page']}", *_judged(asked, MOST["second page"])])
    tasks = [len(_of_kind(row["typing"], "longtask")) for row in brotli]
    label = "tasks above 50 ms while typing"
    lines.append([label, f"{MOST['tasks']}", *_judged(tasks, MOST["tasks"])])
    return _table(["aim", "at most", "reached", ""], lines)


def _ratio(starts: Row, load: str, label: str) -> list[str]:
    ours, floor = ([row["times"]["semantic"] for row in starts[side][load]] for side in ("ours", "floor"))
    reached = median(ours) / median(floor)
    rounds = [one / other for one, other in zip(ours, floor, strict=True)]
    told = f"{reached:.2f} ×"
    if len(rounds) > 1:
        told += f" (rounds: {min(rounds):.2f} to {max(rounds):.2f})"
    aim = f"{MOST[load]:.2f} ×"
    return [f"{label} start, of the floor's", aim, told, _verdict(reached <= MOST[load])]


def _judged(values: Sequence[float], most: float, unit: float = 1, form: str = "{:.0f}") -> list[str]:
    return [_spread(values, unit, form), _verdict(max(values) <= most)]


def _verdict(reached: bool) -> str:
    return "reached" if reached else "missed"


def _starts(starts: Row) -> str:
    head = [
        "load",
        "floor",
        "latefind",
        "of it words",
        "first answer",
        "ratio",
        "floor: sent",
        "ours: sent",
    ]
    lines = []
    for load in LOADS:
        floor, ours = (starts[side][load] for side in ("floor", "ours"))
        times = [_of(floor, "semantic"), *(_of(ours, key) for key in ("semantic", "lexical", "result"))]
        ratio = median(times[1]) / median(times[0])
        lines.append(
            [load, *map(_spread, times), f"{ratio:.2f} ×", *(_sent_by(rows) for rows in (floor, ours))]
        )
    return _table(head, lines)


def _of(rows: Sequence[Row], key: str) -> list[float]:
    return [row["times"][key] for row in rows]


def _sent_by(rows: Sequence[Row]) -> str:
    requests, size = (median(row[key] for row in rows) for key in ("requests", "bytes"))
    return f"{requests:.0f}, {size / 1e6:.1f} MB"


def _spread(values: Iterable[float], unit: float = 1, form: str = "{:,.0f}") -> str:
    values = [value / unit for value in values]
    least, middle, most = (form.format(value) for value in (min(values), median(values), max(values)))
    return middle if least == most else f"{middle} ({least} to {most})"


def _visits(visits: Sequence[Row]) -> str:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in visits:
        cpu = f", {row['slowdown']}×" if row["slowdown"] > 1 else ""
        key = (row["search"], row["line"] + cpu, row["encoding"], row["page"])
        groups.setdefault(key, []).append(row)
    head = ["search", "line", "encoding", "page", *STAGES.values()]
    lines = [[*key, *(_stage(rows, stage) for stage in STAGES)] for key, rows in groups.items()]
    return _table(head, lines)


def _stage(rows: Sequence[Row], stage: str) -> str:
    found = [row["stages"][stage] for row in rows if stage in row["stages"]]
    if not found:
        return "–"
    ms, requests, unchanged, size = (
        median(one[key] for one in found) for key in ("ms", "requests", "unchanged", "bytes")
    )
    told = f"{requests - unchanged:.0f} + {unchanged:.0f}, {size / 1e3:,.0f} kB"
    return f"{ms / 1000:.2f} s ({told})"


def _tasks(visits: Sequence[Row]) -> str:
    groups: dict[str, list[Row]] = {}
    for row in visits:
        if "typing" in row:
            cpu = f", {row['slowdown']}×" if row["slowdown"] > 1 else ""
            groups.setdefault(row["line"] + cpu, []).append(row)
    head = [
        "line",
        "visits",
        "long tasks",
        "longest",
        "long frames",
        "longest",
        "of it",
        "while loading",
    ]
    lines = []
    for name, rows in groups.items():
        typing, loading = ([task for row in rows for task in row[key]] for key in ("typing", "loading"))
        tasks, frames = _of_kind(typing, "longtask"), _of_kind(typing, "long-animation-frame")
        worst = max(frames, key=lambda frame: frame["ms"], default=None)
        scripts = "; ".join(f"`{script}`" for script in worst["from"]) if worst else ""
        before = _of_kind(loading, "longtask")
        lines.append(
            [
                name,
                str(len(rows)),
                *_counted(tasks),
                *_counted(frames),
                scripts or "–",
                f"{len(before)}" + (f", up to {_counted(before)[1]}" if before else ""),
            ]
        )
    return _table(head, lines)


def _of_kind(tasks: Sequence[Row], kind: str) -> list[Row]:
    return [task for task in tasks if task["type"] == kind]


def _counted(tasks: Sequence[Row]) -> tuple[str, str]:
    return str(len(tasks)), f"{max(task['ms'] for task in tasks):.0f} ms" if tasks else "–"

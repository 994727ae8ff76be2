"""The timeline of the start: an SVG of our own with a bar for each stage, for light and dark pages."""

from collections.abc import Mapping
from html import escape
from typing import Any

WIDTH, LEFT, RIGHT, TOP, BAR, GAP, FOOT = 720, 150, 76, 10, 18, 30, 40

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #333 }
.head { font-weight: 600 }
.grid { stroke: #ccc; stroke-width: 1 }
.s0 { fill: #6b6b6b } .s1 { fill: #0b62c4 }
.end { stroke: #b3470f; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .grid { stroke: #444 }
  .s0 { fill: #a0a0a0 } .s1 { fill: #7ab8ff } .end { stroke: #ffab7a }
}
"""


def draw_timeline(panels: Mapping[str, Mapping[str, Any]], title: str) -> str:
    """Return an SVG with a panel for each start: its stages over one axis, and when it was ready."""
    longest = max(row["times"]["semantic"] for row in panels.values())
    step = next(size for size in (100, 250, 500, 1000, 2500, 5000, 10_000) if longest / size <= 8)

    def x(ms: float) -> float:
        return LEFT + max(ms, 0) / longest * (WIDTH - LEFT - RIGHT)

    parts, top = list[str](), float(TOP)
    for number, (name, row) in enumerate(panels.items()):
        stages = sorted(row["stages"], key=lambda stage: (stage["start"], -stage["end"]))
        ready = row["times"]["semantic"]
        parts.append(f'<text class="head" x="8" y="{top + 14:.0f}">{escape(name)}</text>')
        top += 22
        begun = top
        for stage in stages:
            start, end = x(stage["start"]), x(min(stage["end"], longest))
            middle = top + BAR - 5
            parts.append(
                f'<text x="{LEFT - 8}" y="{middle:.0f}" text-anchor="end">{escape(stage["name"])}</text>'
            )
            parts.append(
                f'<rect class="s{number % 2}" x="{start:.1f}" y="{top + 2:.0f}" '
                f'width="{max(end - start, 1.5):.1f}" height="{BAR - 4}"/>'
            )
            parts.append(
                f'<text x="{end + 5:.1f}" y="{middle:.0f}">{stage["end"] - stage["start"]:,.0f}</text>'
            )
            top += BAR
        parts.append(f'<path class="end" d="M{x(ready):.1f} {begun:.0f}V{top:.0f}"/>')
        parts.append(
            f'<text x="{x(ready):.1f}" y="{top + 14:.0f}" text-anchor="end">ready: {ready:,.0f} ms</text>'
        )
        top += GAP
    height = top + FOOT - GAP
    grid = []
    for ms in range(0, int(longest) + 1, step):
        grid.append(f'<path class="grid" d="M{x(ms):.1f} {TOP}V{height - FOOT + 10:.0f}"/>')
        grid.append(f'<text x="{x(ms):.1f}" y="{height - 8:.0f}" text-anchor="middle">{ms:,} ms</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">'
    style = f"<title>{escape(title)}</title><style>{STYLE}</style>"
    return "\n".join([head, style, *grid, *parts, "</svg>", ""])

"""The curve of cost over size: a small SVG of our own, both axes logarithmic, for light and dark pages."""

import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 76, 160, 24, 48

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #333 }
.grid { stroke: #ccc; stroke-width: 1 }
.line { fill: none; stroke-width: 2.5 }
.s0 { stroke: #0b62c4; fill: #0b62c4 }
.s1 { stroke: #b3470f; fill: #b3470f }
.s2 { stroke: #2f7d32; fill: #2f7d32 }
.line { fill: none } text.s0, text.s1, text.s2 { stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .grid { stroke: #444 }
  .s0 { stroke: #7ab8ff; fill: #7ab8ff }
  .s1 { stroke: #ffab7a; fill: #ffab7a }
  .s2 { stroke: #8fd694; fill: #8fd694 }
  .line { fill: none } text.s0, text.s1, text.s2 { stroke: none }
}
"""


def draw_curve(sizes: Sequence[int], series: Mapping[str, Sequence[float]], title: str) -> str:
    """Return an SVG with a line for each of ``series``: values in ms at ``sizes`` passages."""
    values = [max(value, 0.1) for row in series.values() for value in row]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    first, last = math.floor(math.log10(min(sizes))), math.ceil(math.log10(max(sizes)))
    high, last = max(high, low + 1), max(last, first + 1)

    def x(size: float) -> float:
        return LEFT + (math.log10(size) - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        share = (math.log10(max(value, 10**low)) - low) / (high - low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{title}</title><style>{STYLE}</style>",
    ]
    for power in range(low, high + 1):
        at = y(10**power)
        parts.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{_number(10**power)} ms</text>'
        )
    for power in range(first, last + 1):
        at = x(10**power)
        parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        label = _number(10**power)
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{label}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">passages</text>')
    ends = _spread([y(row[-1]) for row in series.values()])
    for number, (name, row) in enumerate(series.items()):
        points = [(x(size), y(value)) for size, value in zip(sizes, row, strict=True)]
        path = "L".join(f"{px:.1f} {py:.1f}" for px, py in points)
        parts.append(f'<path class="line s{number}" d="M{path}"/>')
        parts += [f'<circle class="s{number}" cx="{px:.1f}" cy="{py:.1f}" r="3.5"/>' for px, py in points]
        at = points[-1][0] + 10
        parts.append(f'<text class="s{number}" x="{at:.1f}" y="{ends[number] + 4:.1f}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _spread(heights: Sequence[float]) -> list[float]:
    """Return the heights of labels, moved apart where they would overlap."""
    placed = dict[int, float]()
    lowest = -math.inf
    for number in sorted(range(len(heights)), key=lambda n: heights[n]):
        lowest = placed[number] = max(heights[number], lowest + 16)
    return [placed[number] for number in range(len(heights))]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"

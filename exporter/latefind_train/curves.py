"""Draw a run: loss parts and dev nDCG over steps, to a PNG, out of the lines of its log.

``python -m latefind_train.curves LOG [LOG …] PNG`` draws runs one behind the other that began where the
one before ended, such as the stages of a training.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

LOSSES = ("loss", "contrastive", "order", "matrix", "cross", "cross_order", "cross_pooled")

Series = dict[str, list[tuple[int, float]]]


def read_log(path: Path) -> tuple[Series, Series]:
    """Return the losses and the dev figures by name, as (step, value)."""
    losses: Series = defaultdict(list)
    dev: Series = defaultdict(list)
    for line in path.read_text("utf-8").splitlines():
        entry = json.loads(line)
        for name, value in entry.items():
            if name in LOSSES and value:  # 0 where no batch of that task was drawn
                losses[name].append((entry["step"], value))
            elif name.startswith("ndcg ") and ("@" not in name or "mean @" in name):
                dev[name.removeprefix("ndcg ")].append((entry["step"], value))
    return losses, dev


def join(logs: Sequence[Path]) -> tuple[Series, Series]:
    """Return the losses and dev figures of runs that follow each other, their steps counted on."""
    losses: Series = defaultdict(list)
    dev: Series = defaultdict(list)
    first = 0
    for log in logs:
        found = read_log(log)
        for whole, part in zip((losses, dev), found, strict=True):
            for name, points in part.items():
                whole[name].extend((first + step, value) for step, value in points)
        first += max((step for part in found for points in part.values() for step, _ in points), default=0)
    return losses, dev


def draw(logs: Sequence[Path], output: Path) -> None:
    """Write the curves of ``logs``, one behind the other, to ``output``."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    losses, dev = join(logs)
    figure, axes = pyplot.subplots(1, 2, figsize=(13, 5))
    _plot(axes[0], losses, "loss, weighted parts", log_scale=True)
    _plot(axes[1], dev, "dev nDCG@10")
    figure.tight_layout()
    figure.savefig(output, dpi=100, metadata={"Software": None})
    pyplot.close(figure)


def _plot(
    axis: "object", series: Mapping[str, Sequence[tuple[int, float]]], title: str, log_scale: bool = False
) -> None:
    for name, points in sorted(series.items()):
        # A point alone is seen only with a marker.
        axis.plot(*zip(*points, strict=True), label=name, marker="." if len(points) < 20 else None)  # type: ignore[attr-defined]
    axis.set_title(title)  # type: ignore[attr-defined]
    axis.set_xlabel("step")  # type: ignore[attr-defined]
    axis.grid(alpha=0.3)  # type: ignore[attr-defined]
    if log_scale:
        axis.set_yscale("log")  # type: ignore[attr-defined]
    if series:
        axis.legend(fontsize=7)  # type: ignore[attr-defined]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m latefind_train.curves", description="Draw a run's log.")
    parser.add_argument("log", type=Path, nargs="+")
    parser.add_argument("output", type=Path)
    options = parser.parse_args(arguments)
    draw(options.log, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())

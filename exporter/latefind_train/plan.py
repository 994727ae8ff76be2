"""Which rows make which batch: drawn ahead for a whole part, from a seed, so that a run can be repeated.

A batch is of one task. Some batches have all languages, in which a model learns that language is no sign of
relevance; in the others all wrong documents are in the language of the right one, which makes them harder.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from latefind.errors import InputError
from latefind_train.config import Data
from latefind_train.crossed import Crossed
from latefind_train.pack import LANGUAGES, Texts
from latefind_train.sources import Kind

KIND_OF: Mapping[str, Kind] = {"pairs": "pairs", "qa": "qa", "cloze": "pairs", "parallel": "parallel"}

Rows = npt.NDArray[np.int64]


def draw_plan(
    texts: Mapping[Kind, Texts],
    crossed: Crossed | None,
    mix: Mapping[str, float],
    steps: int,
    batch: int,
    data: Data,
    seed: tuple[int, ...],
) -> dict[str, Rows]:
    """Return the rows of each task, batch after batch (batches · batch,), for about ``steps`` batches in all.

    ``data.balance`` is the exponent of group sizes (a group is a source in one language): 1 draws every row
    alike, 0 every group; ``data.mixed`` is the share of batches in all languages, ``data.near`` that of one
    source among the others.

    Raises
    ------
    InputError
        There are fewer rows of a kind than a batch takes.
    """
    rng = np.random.default_rng(seed)
    total = sum(mix.values())
    plan: dict[str, Rows] = {}
    for task, share in sorted(mix.items()):
        count = round(steps * share / total)
        if count:
            own = crossed if task == "crossed" else texts[KIND_OF[task]]
            assert own is not None
            if own.rows < batch:
                raise InputError.expected(f"mix.{task}", f"at least {batch} rows", str(own.rows))
            drawer = _Drawer(own, data.balance, batch)
            plan[task] = np.concatenate(
                [drawer.draw(rng, batch, data.mixed, data.near) for _ in range(count)]
            )
    return plan


class _Drawer:
    """Draws rows of one kind, without repeating one in a batch where the language has enough."""

    def __init__(self, texts: Texts | Crossed, balance: float, batch: int) -> None:
        language = texts.arrays["language"].astype(np.int64)
        groups = texts.arrays["source"].astype(np.int64) * len(LANGUAGES) + language
        sizes = np.bincount(groups)
        weights = np.power(sizes[groups].astype(np.float64), balance - 1)
        self.all = np.cumsum(weights)
        self.own = {}
        for number in np.unique(language):
            rows = np.flatnonzero(language == number)
            self.own[int(number)] = (rows, np.cumsum(weights[rows]))
        # A group that fills two batches can make one by itself.
        self.groups = [np.flatnonzero(groups == group) for group in np.flatnonzero(sizes >= 2 * batch)]
        self.group_shares = np.array([len(rows) ** balance for rows in self.groups])
        shares = np.array([np.sqrt(sums[-1]) for _, sums in self.own.values()])
        self.shares = shares / shares.sum()

    def draw(self, rng: np.random.Generator, batch: int, mixed: float, near: float) -> Rows:
        if rng.random() < mixed:
            return _distinct(rng, np.arange(len(self.all)), self.all, batch)
        if self.groups and rng.random() < near:
            number = rng.choice(len(self.groups), p=self.group_shares / self.group_shares.sum())
            return np.asarray(rng.choice(self.groups[number], batch, replace=False), np.int64)
        language = rng.choice(list(self.own), p=self.shares)
        return _distinct(rng, *self.own[int(language)], batch)


def _distinct(rng: np.random.Generator, rows: Rows, sums: npt.NDArray[np.float64], batch: int) -> Rows:
    drawn = np.searchsorted(sums, rng.random(2 * batch) * sums[-1], side="right").clip(max=len(rows) - 1)
    _, firsts = np.unique(drawn, return_index=True)
    found = drawn[np.sort(firsts)][:batch]
    if len(found) < batch:  # a language with few rows, or a few rows with much weight
        found = np.concatenate([found, rng.integers(len(rows), size=batch - len(found))])
    return np.asarray(rows[found], np.int64)

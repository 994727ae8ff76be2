"""The tables of :mod:`model`: means with their confidence intervals, and what separates two models."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt")
ENGLISH = ("scifact", "emanual-s10", "gnome-help-en", "faq-en", "xquad-en")
"""What the target for English is the mean of."""

SAMPLES = 2000
SEED = 20_261_123

Floats = npt.NDArray[np.float64]
Found = Mapping[str, Mapping[str, Sequence[float]]]
"""By set and by what answered, each query's nDCG@10."""


def language_of(name: str) -> str:
    """Return the language of a set's texts."""
    last = name.rsplit("-", 1)[-1]
    return last if last in LANGUAGES else "en"


def format_tables(
    found: Mapping[str, Found], sizes: Mapping[str, tuple[int, int]], times: Mapping[str, float]
) -> str:
    """Return all tables as Markdown; the first model is what the others are compared with."""
    sets = sorted(next(iter(found.values())))
    parts = [_targets(found, sizes, times, sets), _sets(found, sets)]
    return "\n\n".join(part for part in parts if part)


def _targets(
    found: Mapping[str, Found],
    sizes: Mapping[str, tuple[int, int]],
    times: Mapping[str, float],
    sets: Sequence[str],
) -> str:
    first = next(iter(found))
    lines = ["| measure | " + " | ".join(found) + " |", "|---" + "|--:" * len(found) + "|"]

    def add(label: str, cell: Callable[[str], str]) -> None:
        lines.append(f"| {label} | " + " | ".join(cell(name) for name in found) + " |")

    english = [name for name in ENGLISH if name in sets]
    if english:
        add(f"English, semantic, {len(english)} sets", lambda name: _mean(found[name], english, "semantic"))
        add("the same, sign test", lambda name: _sign(found[first], found[name], english, "semantic"))
    for language in LANGUAGES:
        own = [name for name in sets if language_of(name) == language]
        if not own:
            continue
        for mode in ("lexical", "semantic", "hybrid"):
            add(f"{language}, {mode}, {len(own)} sets", lambda name, m=mode, o=own: _mean(found[name], o, m))
        add(f"{language}, hybrid above the better", lambda name, o=own: _gain(found[name], o))
        add(f"{language}, sign test", lambda name, o=own: _sign(found[first], found[name], o, "semantic"))
    add(f"lost by codec and pooling, {len(sets)} sets", lambda name: _lost(found[name], sets))
    for english_set, family in (("xquad-en", "xquad"), ("gnome-help-en", "gnome-help")):
        for mode in _cross_modes(found[first], english_set):
            label = f"{family}, {mode} to en, share of en"
            add(label, lambda name, s=english_set, m=mode: _share(found[name], s, m))
    add("download, MB, as it is", lambda name: f"{sizes[name][0] / 1e6:.2f}")
    add("download, MB, brotli", lambda name: f"{sizes[name][1] / 1e6:.2f}")
    if times:
        add("encoding a query in Chromium, ms, median", lambda name: f"{times[name]:.1f}")
    return "\n".join(lines)


def _cross_modes(found: Found, name: str) -> list[str]:
    return [mode for mode in found.get(name, {}) if mode.startswith("from ")]


def _sets(found: Mapping[str, Found], sets: Sequence[str]) -> str:
    """Return every set's figures, one line a set, four columns a model."""
    modes = ("lexical", "semantic", "hybrid", "exact")
    head = ["set", "queries", *(f"{name}: {mode}" for name in found for mode in modes)]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    for name in sets:
        values = [one[name] for one in found.values()]
        cells = [f"{fmean(value[mode]):.3f}" if mode in value else "" for value in values for mode in modes]
        lines.append(f"| {name} | {len(values[0]['semantic'])} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _mean(found: Found, sets: Sequence[str], mode: str) -> str:
    means = bootstrap([np.array(found[name][mode]) for name in sets])
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{fmean(fmean(found[name][mode]) for name in sets):.4f} ({low:.3f}–{high:.3f})"


def bootstrap(values: Sequence[Floats], samples: int = SAMPLES) -> Floats:
    """Return the mean over sets of each sample's means over queries, (samples,)."""
    rng = np.random.default_rng(SEED)
    total = np.zeros(samples)
    for own in values:
        drawn = rng.integers(len(own), size=(samples, len(own)))
        total += own[drawn].mean(axis=1)
    return total / len(values)


def _gain(found: Found, sets: Sequence[str]) -> str:
    def mean(mode: str) -> float:
        return fmean(fmean(found[name][mode]) for name in sets)

    return f"{mean('hybrid') - max(mean('lexical'), mean('semantic')):+.4f}"


def _lost(found: Found, sets: Sequence[str]) -> str:
    exact = fmean(fmean(found[name]["exact"]) for name in sets)
    stored = fmean(fmean(found[name]["semantic"]) for name in sets)
    return f"{exact - stored:.4f} of {exact:.4f}"


def _share(found: Found, name: str, mode: str) -> str:
    across, own = fmean(found[name][mode]), fmean(found[name]["semantic"])
    return f"{across:.4f}, {across / own:.2f}"


def _sign(first: Found, other: Found, sets: Sequence[str], mode: str) -> str:
    better, worse, chance = sign_test(
        np.concatenate([np.array(first[name][mode]) for name in sets]),
        np.concatenate([np.array(other[name][mode]) for name in sets]),
    )
    return "" if first is other else f"{better} better, {worse} worse, p = {chance:.2g}"


def sign_test(first: Floats, other: Floats) -> tuple[int, int, float]:
    """Return the queries that ``other`` answers better and worse, and the chance of it by luck alone."""
    better, worse = int((other > first + 1e-9).sum()), int((other < first - 1e-9).sum())
    chance = binomtest(better, better + worse).pvalue if better + worse else 1.0
    return better, worse, float(chance)

r"""Fusion: one order out of two signals, the words of a query (BM25) and its meaning (MaxSim).

Each score is divided by the best of its own signal. That makes the two comparable without knowing either
scale, and keeps what ranks throw away: by how much the best one leads. The sum is weighted by what the query
looks like, and by nothing else. ``docs/design.md#fusion`` has the measurements.

``web/fusion.js`` does the same arithmetic in the same order: the same input gives the same bits. May import
the standard library and NumPy.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CANDIDATES = 100
"""Best sections of each signal that are considered: what Recall@100 needs."""

DOUBT = 3.0
"""A best BM25 score as low as this counts half: one common word that a question happens to have.
Of the evaluation sets' questions 3 % are below."""

TEXT_WEIGHT = 0.7
"""Weight of MaxSim for several words. Of .45 to .75 the best, with .75, on the held out part of the training
text: .0027 above .65 in the mean of seven languages, and above it in six of them."""

WORD_WEIGHT = 0.35
"""Weight of MaxSim for a single word, which gives a model no context to read it in."""

IDENTIFIER_WEIGHT = 0.2
"""Weight of MaxSim for an identifier, of which a tokenizer leaves pieces that mean little."""

_SPACE = re.compile("[ \t\n\r\f\v\u00a0\u3000]+")
_QUOTED = re.compile("^[\"'`“”„«»]+|[?!,;\"'`“”„«».]+$")
_IDENTIFIER = re.compile(r"[_\\/=@#$%&*+<>()\[\]{}~^|:0-9.]|^-|[a-z][A-Z]|[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Fused:
    """Sections by number, best first, with their scores from 0 to 1; equal ones by number."""

    numbers: npt.NDArray[np.int64]  # (n,)
    scores: npt.NDArray[np.float64]  # (n,)


def semantic_weight(text: str) -> float:
    """Return the weight of MaxSim for a query, from 0 to 1; BM25 has the rest."""
    words = [word for word in _SPACE.split(text) if word]
    if len(words) > 1:
        return TEXT_WEIGHT
    bare = _QUOTED.sub("", "".join(words))
    return IDENTIFIER_WEIGHT if _IDENTIFIER.search(bare) else WORD_WEIGHT


def fuse(
    text: str,
    numbers: npt.NDArray[np.int64],
    lexical: npt.NDArray[np.float32],
    semantic: npt.NDArray[np.float32],
) -> Fused:
    """Order the candidates of both signals.

    Parameters
    ----------
    text : str
        The query, which says how much each signal counts.
    numbers : int64, shape (n,)
        Numbers of sections, each once.
    lexical : float32, shape (n,)
        BM25, where an occurrence counts up to the word's inverse document frequency; 0 for a section without
        any of the words.
    semantic : float32, shape (n,)
        MaxSim. NaN where it is not known, since the section's shard is not in memory: the section then
        counts as the mean of those that have any of the words and are known.

    Returns
    -------
    Fused
        All of them.
    """
    weight = semantic_weight(text)
    scores = (1 - weight) * _by_best(lexical.astype(np.float64), DOUBT)
    scores += weight * _by_best(_fill(semantic.astype(np.float64), lexical > 0))
    order = np.lexsort((numbers, -scores))
    return Fused(numbers[order], scores[order])


def _fill(scores: npt.NDArray[np.float64], has_words: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return the scores; for NaN the mean of the known ones that have words, or else the worst known."""
    known = ~np.isnan(scores)
    alike = scores[known & has_words]
    if len(alike):
        # Added one after the other, as in JavaScript: NumPy's own sum rounds otherwise.
        stand_in = float(np.cumsum(alike)[-1]) / len(alike)
    else:
        stand_in = float(scores[known].min(initial=np.inf)) if known.any() else 0.0
    return np.where(known, scores, stand_in)


def _by_best(scores: npt.NDArray[np.float64], doubt: float = 0) -> npt.NDArray[np.float64]:
    """Return the scores divided by the best (and ``doubt``), from 0; all 0 where the best is not above 0."""
    best = float(scores.max(initial=0))
    return np.maximum(scores, 0) / (best + doubt) if best > 0 else np.zeros(len(scores))

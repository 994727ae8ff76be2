"""What the browser's worker calls: the engine behind functions of plain values.

This module alone knows that Pyodide exists. Arguments are strings, JSON and byte buffers, results are
JSON, so that no Python object needs a proxy in JavaScript and none can leak. A refusal is a result too:
``{"error": {"code", "message", "detail"}}``, since an exception that crosses into JavaScript loses its
code. Anything else that is raised is a bug and crosses as it is, with its traceback.

Under CPython it works the same with ``bytes`` or a ``memoryview`` for a buffer, which is how it is tested.
"""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import ParamSpec, Protocol

import numpy as np
import numpy.typing as npt

from latefind.errors import FormatError, LatefindError
from latefind.manifest import Manifest
from latefind.model import TokenPlan
from latefind.search import Engine


class JsBuffer(Protocol):
    """A Uint8Array as Pyodide shows it."""

    def to_bytes(self) -> bytes:
        """Copy the buffer into Python's memory, once."""


Data = bytes | memoryview | JsBuffer
P = ParamSpec("P")

_engine: Engine | None = None


def _answers(function: Callable[P, Mapping[str, object]]) -> Callable[P, str]:
    """Turn the result into JSON, and an error that is raised on purpose into a result."""

    @functools.wraps(function)
    def answer(*args: P.args, **kwargs: P.kwargs) -> str:
        try:
            result = function(*args, **kwargs)
        except LatefindError as error:
            detail = "" if error.__cause__ is None else repr(error.__cause__)
            result = {"error": {"code": error.code, "message": str(error), "detail": detail}}
        return json.dumps(result, ensure_ascii=False)

    return answer


@_answers
def boot(manifest: str) -> Mapping[str, object]:
    """Begin an index, described by the text of its ``manifest.json``; one begun before is dropped.

    ``{"initial": [path]}`` names the parts that must be added before the first query.
    """
    global _engine
    _engine = Engine(Manifest.from_bytes(manifest.encode("utf-8")))
    return {"initial": list(_engine.initial)}


@_answers
def add_part(path: str, data: Data) -> Mapping[str, object]:
    """Verify and add one part; ``{"ready": bool}`` says whether queries can begin with it."""
    engine = _started()
    engine.add_part(path, _bytes_of(data))
    return {"ready": engine.ready}


@_answers
def plan(text: str) -> Mapping[str, object]:
    """Tokenise a query: ``{"ids": [int], "mask": [int], "scored": [bool]}``, all of one length."""
    return _plan_of(_started().plan_query(text))


@_answers
def needs(vectors: Data, scored: str, candidates: str) -> Mapping[str, object]:
    """Name the shards that a query wants and that are not in memory: ``{"parts": [path]}``.

    The arguments are those of :func:`search`; ``candidates`` is a JSON list. A small index is all in memory
    and needs nothing.
    """
    return {"parts": list(_started().needs(_rows_of(vectors, scored), json.loads(candidates)))}


@_answers
def search(vectors: Data, scored: str, options: str) -> Mapping[str, object]:
    """Search by the encoder's output.

    Parameters
    ----------
    vectors : buffer of float32
        One row for each token of the plan.
    scored : JSON list of bool
        Of the plan: which rows count.
    options : JSON object
        ``text``, ``limit``, ``filters`` (facet to list of values) and ``candidates`` (section numbers).

    Returns
    -------
    str
        ``{"results": […], "others": […], "scores": [number or null], "ranking": [[section number, score]],
        "total": int, "missing": [path], "timings": {"candidates": ms, "rerank": ms}}``; see
        :class:`latefind.results.SearchResult`. ``missing`` names the shards that the query wanted and that
        have not been added: the others answer.
    """
    wanted = json.loads(options)
    found = _started().search(
        _rows_of(vectors, scored),
        wanted["text"],
        limit=wanted["limit"],
        filters=wanted["filters"],
        candidates=wanted["candidates"],
    )
    return {
        "results": [result.to_json() for result in found.results],
        "others": [result.to_json() for result in found.others],
        "scores": list(found.scores),
        "ranking": list(found.ranking),
        "total": found.total,
        "missing": list(found.missing),
        "timings": dict(found.timings),
    }


@_answers
def plan_passage(vectors: Data, scored: str, number: int) -> Mapping[str, object]:
    """Tokenise the best passage of a section for :func:`highlight`: ``{"plan": as of plan(), or null}``.

    ``null`` where there is nothing to encode: see :meth:`latefind.search.Engine.plan_passage`.
    """
    tokens = _started().plan_passage(_rows_of(vectors, scored), number)
    return {"plan": None if tokens is None else _plan_of(tokens)}


@_answers
def highlight(
    vectors: Data, scored: str, text: str, number: int, passage: Data, passage_scored: str
) -> Mapping[str, object]:
    """Mark what of a section matched a query.

    Parameters
    ----------
    vectors, scored
        As for :func:`search`.
    text : str
        The query.
    number : int
        Of the section.
    passage, passage_scored
        The encoder's output for the plan of :func:`plan_passage`, called just before, and which of its rows
        count; an empty buffer where there was no plan.

    Returns
    -------
    str
        ``{"highlighted": {"number", "snippet", "highlights", "explanation"}}``; its value is null where the
        section is not in memory or has no vectors.
    """
    encoded = _bytes_of(passage)
    found = _started().highlight(
        _rows_of(vectors, scored), text, number, _rows_of(encoded, passage_scored) if encoded else None
    )
    return {"highlighted": None if found is None else found.to_json()}


@_answers
def rank_needs(names: str) -> Mapping[str, object]:
    """Name the parts that :func:`rank` still wants for these ``names``: ``{"parts": [path]}``.

    Which shards hold the sections is known only once the names are in memory, so ask again after adding
    the parts, until there are none.
    """
    return {"parts": list(_started().rank_needs(_every_name(json.loads(names))))}


@_answers
def rank(vectors: Data, scored: str, names: str) -> Mapping[str, object]:
    """Order sections by MaxSim: ``{"ranked": [{"id", "score"}], "unknown": [id]}``, best first.

    ``names`` is a JSON list with, for each section, the names that it may have; the first is the caller's
    own and comes back as its id. ``unknown`` are those that the index knows by none of their names, in the
    order given.
    """
    groups: list[list[str]] = json.loads(names)
    ranked, _ = _started().rank(_rows_of(vectors, scored), _every_name(groups))
    scores = dict(ranked)
    known = [group for group in groups if not scores.keys().isdisjoint(group)]
    pairs = [(group[0], next(scores[name] for name in group if name in scores)) for group in known]
    pairs.sort(key=lambda pair: -pair[1])
    return {
        "ranked": [{"id": name, "score": score} for name, score in pairs],
        "unknown": [group[0] for group in groups if scores.keys().isdisjoint(group)],
    }


def _every_name(groups: Sequence[Sequence[str]]) -> list[str]:
    """Return the names of all groups, each once, in order."""
    return list(dict.fromkeys(name for group in groups for name in group))


def _plan_of(tokens: TokenPlan) -> Mapping[str, object]:
    return {
        "ids": tokens.ids.tolist(),
        "mask": tokens.mask.tolist(),
        "scored": tokens.scored.tolist(),
    }


def _started() -> Engine:
    if _engine is None:
        raise LatefindError.expected("bridge", "boot() first", "another call")
    return _engine


def _bytes_of(data: Data) -> bytes:
    return bytes(data) if isinstance(data, bytes | memoryview) else data.to_bytes()


def _rows_of(vectors: Data, scored: str) -> npt.NDArray[np.float32]:
    """Return the rows that count, float32 (scored tokens, dimensions)."""
    rows = np.array(json.loads(scored), np.bool_)
    values = np.frombuffer(_bytes_of(vectors), "<f4")
    if not len(rows) or len(values) % len(rows):
        raise FormatError.expected(
            "embeddings", f"a vector for each of {len(rows)} tokens", f"{len(values)} numbers"
        )
    return values.reshape(len(rows), -1)[rows].astype(np.float32, copy=False)

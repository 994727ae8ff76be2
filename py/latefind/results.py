"""What a search returns: sections with their scores, and what of their text is shown and marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from latefind.passages import Section


@dataclass(frozen=True, slots=True)
class Highlight:
    """A word of a snippet that the query matched: code units (UTF-16) from ``start`` to ``end``.

    ``weight`` is its strength beside the strongest of the same section's, above 0 and up to 1.
    """

    start: int
    end: int
    weight: float

    def to_json(self) -> dict[str, object]:
        """Return the fields as JSON values."""
        return {"start": self.start, "end": self.end, "weight": round(self.weight, 3)}


@dataclass(frozen=True, slots=True)
class Match:
    """A word of the query, the word of the passage (title included) that is most similar, and how much.

    ``weight`` is what the word counts for, from 0 (as common as "the") to 1.
    """

    word: str
    match: str
    similarity: float
    weight: float

    def to_json(self) -> dict[str, object]:
        """Return the fields as JSON values."""
        return {
            "word": self.word,
            "match": self.match,
            "similarity": round(self.similarity, 3),
            "weight": round(self.weight, 3),
        }


@dataclass(frozen=True, slots=True)
class Highlighted:
    """The part of a section that matched a query best, its words that did, and the matches behind that."""

    number: int
    snippet: str
    highlights: Sequence[Highlight]
    explanation: Sequence[Match]

    def to_json(self) -> dict[str, object]:
        """Return the fields as JSON values."""
        return {
            "number": self.number,
            "snippet": self.snippet,
            "highlights": [highlight.to_json() for highlight in self.highlights],
            "explanation": [match.to_json() for match in self.explanation],
        }


@dataclass(frozen=True, slots=True)
class Result:
    """One section found, with the MaxSim of its best passage (see ``docs/javascript-api.md``).

    ``number`` is the section's in the whole index. Nothing is highlighted yet: that needs the passage's
    tokens, which an index does not keep (:meth:`latefind.search.Engine.highlight`).
    """

    section: Section
    score: float
    snippet: str
    number: int

    def to_json(self) -> dict[str, object]:
        """Return the fields of a result of the browser's API, as JSON values."""
        section = self.section
        return {
            "number": self.number,
            "id": section.id,
            "url": section.url,
            "title": section.title,
            "breadcrumb": list(section.breadcrumb),
            "score": self.score,
            "snippet": self.snippet,
            "highlights": [],
            "meta": dict(section.meta),
            "filters": {key: list(values) for key, values in section.filters.items()},
            "lang": section.lang,
        }


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Results, best first.

    Attributes
    ----------
    results : sequence of Result
        As many as were asked for.
    total : int
        Sections that were looked at and passed the filters.
    timings : mapping
        Milliseconds.
    missing : sequence of str
        Paths of shards that the query wanted and the engine did not have.
    scores : sequence of float or None
        Of each candidate, in their order; None where its shard is not in memory or it has no vectors.
    others : sequence of Result
        Candidates that are not among the results and might be, once their own ranking counts too.
    ranking : sequence of (int, float)
        Numbers and scores of more sections than results, best first.
    """

    results: Sequence[Result]
    total: int
    timings: Mapping[str, float] = field(default_factory=dict)
    missing: Sequence[str] = ()
    scores: Sequence[float | None] = ()
    others: Sequence[Result] = ()
    ranking: Sequence[tuple[int, float]] = ()

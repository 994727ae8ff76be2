"""``latefind eval``: how well an index answers questions whose answers are known.

The questions go through native search in every mode that the index has (words, meaning, both), on request
also through the page in a real browser; the rankings are measured against judgements and against exact MaxSim
(:mod:`latefind_build.exact`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import fmean

from latefind.errors import InputError
from latefind_build.exact import encode_contents, rank_exactly, read_contents
from latefind_build.judgements import Judgement, Question, join_questions, read_judgements, read_queries
from latefind_build.metrics import ndcg, overlap, recall, reciprocal_rank
from latefind_build.native import NativeSearch
from latefind_build.progress import progress

DEPTH = 100
"""Results asked for: what Recall@100 needs."""

Ranking = Sequence[str]


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over all queries, from 0 to 1."""

    ndcg_10: float
    recall_100: float
    mrr_10: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two rankings compare: quotients of their scores, and shared ids of their first 10 and 100."""

    ndcg_10: float
    recall_100: float
    mrr_10: float
    overlap_10: float
    overlap_100: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What ``latefind eval`` found; ``exact`` and ``browser`` only where they were asked for.

    ``modes`` and ``browser_modes`` have the scores of each mode. ``index``, ``browser`` and ``agreement`` (of
    the browser with native search) are those of the semantic one, or of the only one; ``kept`` compares the
    index with the exact ranking.
    """

    queries: int
    index: Scores
    modes: Mapping[str, Scores] = field(default_factory=dict)
    exact: Scores | None = None
    kept: Agreement | None = None
    browser: Scores | None = None
    agreement: Agreement | None = None
    browser_modes: Mapping[str, Scores] | None = None
    agreements: Mapping[str, Agreement] | None = None

    def to_json(self) -> dict[str, object]:
        """Return what was measured, as JSON values."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure: files of questions, how many of them, and against what."""

    queries: Path
    qrels: Path
    exact: bool = False
    browser: bool = False
    limit: int | None = None
    jobs: int = 1
    mode: str = ""
    """Of :data:`latefind_build.native.MODES`; all that the index has where empty."""


def evaluate(directory: Path, request: Request, warn: Callable[[str], None]) -> Evaluation:
    """Measure the index in ``directory``.

    Raises
    ------
    UsageError
        A file or the index is missing, or Playwright where the browser is asked for.
    InputError
        A file is malformed, or no query has a relevant judgement that the index holds.
    """
    queries, judgements = read_queries(request.queries), read_judgements(request.qrels)
    native = NativeSearch(directory)
    contents = read_contents(native)
    _check_judgements(judgements, queries, {section.id for section in contents.sections}, request, warn)
    questions = join_questions(queries, judgements)[: request.limit]
    modes = [request.mode] if request.mode else list(native.modes)
    rankings = {mode: _ask(native, questions, mode) for mode in modes}
    main = "semantic" if "semantic" in modes else modes[0]
    scores = {mode: measure(ranked, questions) for mode, ranked in rankings.items()}
    exact = kept = None
    if request.exact:
        vectors = [native.engine.weigh(native.encode(question.text)) for question in questions]
        passages = encode_contents(native, contents, request.jobs)
        best = rank_exactly(contents, passages, vectors, DEPTH)
        exact, kept = measure(best, questions), compare(rankings[main], best, questions)
    evaluation = Evaluation(len(questions), scores[main], scores, exact, kept)
    return _add_browser(evaluation, directory, questions, rankings, main) if request.browser else evaluation


def _ask(native: NativeSearch, questions: Sequence[Question], mode: str) -> list[list[str]]:
    asked = ([r.section.id for r in native.answer(q.text, DEPTH, mode=mode)] for q in questions)
    return list(progress(asked, len(questions), f"Asking, {mode}", "queries"))


def _add_browser(
    evaluation: Evaluation,
    directory: Path,
    questions: Sequence[Question],
    rankings: Mapping[str, Sequence[Ranking]],
    main: str,
) -> Evaluation:
    """Ask the page the same questions in the same modes."""
    from latefind_build.browser_eval import rank_in_browser

    shown = rank_in_browser(directory, [question.text for question in questions], DEPTH, list(rankings))
    scores = {mode: measure(ranked, questions) for mode, ranked in shown.items()}
    agreements = {mode: compare(ranked, rankings[mode], questions) for mode, ranked in shown.items()}
    return replace(
        evaluation,
        browser=scores[main],
        agreement=agreements[main],
        browser_modes=scores,
        agreements=agreements,
    )


def measure(rankings: Sequence[Ranking], questions: Sequence[Question]) -> Scores:
    """Return the mean scores of one ranking for each question."""
    pairs = [(list(r), q.judged) for r, q in zip(rankings, questions, strict=True)]
    return Scores(
        ndcg_10=fmean(ndcg(ranking, judged, 10) for ranking, judged in pairs),
        recall_100=fmean(recall(ranking, judged, DEPTH) for ranking, judged in pairs),
        mrr_10=fmean(reciprocal_rank(ranking, judged, 10) for ranking, judged in pairs),
    )


def compare(
    rankings: Sequence[Ranking], reference: Sequence[Ranking], questions: Sequence[Question]
) -> Agreement:
    """Return how ``rankings`` compare with the ``reference``; a quotient by 0 counts as 1."""
    mine, theirs = measure(rankings, questions), measure(reference, questions)
    pairs = list(zip(reference, rankings, strict=True))
    return Agreement(
        ndcg_10=_quotient(mine.ndcg_10, theirs.ndcg_10),
        recall_100=_quotient(mine.recall_100, theirs.recall_100),
        mrr_10=_quotient(mine.mrr_10, theirs.mrr_10),
        overlap_10=fmean(overlap(one, other, 10) for one, other in pairs),
        overlap_100=fmean(overlap(one, other, DEPTH) for one, other in pairs),
    )


def _quotient(value: float, reference: float) -> float:
    return value / reference if reference else 1.0


def _check_judgements(
    judgements: Sequence[Judgement],
    queries: Mapping[str, str],
    known: set[str],
    request: Request,
    warn: Callable[[str], None],
) -> None:
    """Warn of judgements that name nothing; raise where no relevant one is left."""
    strange = [judgement for judgement in judgements if judgement.query not in queries]
    absent = [judgement for judgement in judgements if judgement.document not in known]
    if strange:
        first = strange[0]
        warn(
            f"{request.qrels}, line {first.line}{_and_more(strange)}: expected a query of {request.queries}, "
            f"got {first.query!r}. Such lines are left out."
        )
    if absent:
        first = absent[0]
        warn(
            f"{request.qrels}, line {first.line}{_and_more(absent)}: expected an id that the index holds, "
            f"got {first.document!r}. Such lines count as not found."
        )
    if not any(j.grade > 0 and j.query in queries and j.document in known for j in judgements):
        raise InputError.expected(
            request.qrels,
            "a relevant judgement of a query and an id of the index",
            "none",
            "Do queries, judgements and index belong together?",
        )


def _and_more(judgements: Sequence[Judgement]) -> str:
    return f" and {len(judgements) - 1:,} more" if len(judgements) > 1 else ""


def format_evaluation(evaluation: Evaluation) -> str:
    """Lay the evaluation out for reading."""
    rows = [("", "nDCG@10", "Recall@100", "MRR@10")]
    rows += [_row(mode, scores) for mode, scores in evaluation.modes.items()]
    if evaluation.exact:
        rows.append(_row("exact", evaluation.exact))
    if evaluation.kept:
        rows.append(_row("index / exact", evaluation.kept))
    rows += [_row(f"browser, {mode}", scores) for mode, scores in (evaluation.browser_modes or {}).items()]
    lines = [f"{name:<18}{first:>9}{second:>12}{third:>9}" for name, first, second, third in rows]
    lines.append(f"{evaluation.queries:,} queries")
    if evaluation.kept:
        lines.append(_overlap("exact and index", evaluation.kept))
    for mode, agreement in (evaluation.agreements or {}).items():
        lines.append(_overlap(f"native and browser, {mode},", agreement))
    return "\n".join(lines)


def _row(name: str, scores: Scores | Agreement) -> tuple[str, str, str, str]:
    return name, f"{scores.ndcg_10:.4f}", f"{scores.recall_100:.4f}", f"{scores.mrr_10:.4f}"


def _overlap(names: str, found: Agreement) -> str:
    return f"{names} share {found.overlap_10:.1%} of the first 10, {found.overlap_100:.1%} of the first 100"

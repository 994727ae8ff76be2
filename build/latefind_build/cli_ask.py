"""The commands that ask an index: ``latefind search`` and ``latefind eval``."""

import argparse
import json
from pathlib import Path

from latefind_build.cli_common import Commands, add_command, positive
from latefind_build.progress import say

MODES = ("lexical", "semantic", "hybrid")
"""As in :mod:`latefind_build.native`, which takes a while to import."""


def add_search(commands: Commands) -> None:
    """Add ``latefind search``."""
    parser = add_command(
        commands,
        "search",
        _search,
        "Search an index natively: the same engine, results and order as in the browser.",
        'latefind search public/ "how do I read a csv file"',
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="a built site, or its latefind folder")
    parser.add_argument("query", metavar="QUERY", help="the question")
    parser.add_argument(
        "--top", type=positive, default=10, metavar="N", help="most results to show (default: %(default)s)"
    )
    parser.add_argument(
        "--mode",
        choices=MODES,
        metavar="MODE",
        help="lexical: by words; semantic: by meaning; hybrid: by both (default: hybrid, where the index has "
        "words)",
    )
    parser.add_argument("--json", action="store_true", help="print results as JSON")


def _search(options: argparse.Namespace) -> None:
    from latefind_build.native import NativeSearch

    native = NativeSearch(options.directory)
    results = native.answer(options.query, options.top, mode=options.mode or "")
    if options.json:
        keys = ("id", "url", "title", "score", "snippet")
        rows = [{key: result.to_json()[key] for key in keys} for result in results]
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for number, result in enumerate(results, 1):
        section = result.section
        path = " › ".join(part for part in (*section.breadcrumb, section.title) if part)
        print(f"{number}. {path or section.id}  ({result.score:.3f})")
        print(f"   {section.url or section.id}\n   {result.snippet}\n")


def add_eval(commands: Commands) -> None:
    """Add ``latefind eval``."""
    parser = add_command(
        commands,
        "eval",
        _eval,
        "Measure how well an index answers questions whose answers are known.",
        "latefind eval public/ --queries queries.jsonl --qrels qrels.tsv --exact",
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="a built site, or its latefind folder")
    parser.add_argument(
        "--queries", type=Path, required=True, metavar="FILE", help="questions: JSON Lines with _id and text"
    )
    parser.add_argument(
        "--qrels", type=Path, required=True, metavar="FILE", help="judgements: query-id, corpus-id, score"
    )
    parser.add_argument(
        "--mode",
        choices=MODES,
        metavar="MODE",
        help="only by words (lexical), by meaning (semantic) or by both (hybrid) (default: each)",
    )
    parser.add_argument(
        "--exact", action="store_true", help="also rank by uncompressed vectors, encoded afresh"
    )
    parser.add_argument(
        "--browser", action="store_true", help="also ask the page in Chromium (needs playwright)"
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N questions")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _eval(options: argparse.Namespace) -> None:
    from latefind_build.encode import default_jobs
    from latefind_build.evaluate import Request, evaluate, format_evaluation

    request = Request(
        options.queries,
        options.qrels,
        options.exact,
        options.browser,
        options.limit,
        default_jobs(),
        options.mode or "",
    )
    evaluation = evaluate(options.directory, request, say)
    print(json.dumps(evaluation.to_json(), indent=1) if options.json else format_evaluation(evaluation))

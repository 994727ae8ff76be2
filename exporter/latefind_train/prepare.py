"""Pack training text: ``python -m latefind_train.prepare --texts FOLDER --eval FOLDER …``.

Writes ``shard-0.xz`` …, ``dev.xz``, ``words.xz`` (how often each word of each language occurs, for building
vocabularies; German ones without umlauts) and ``manifest.json`` with counts of what was dropped, and why.
The same input and options give the same bytes.
"""

import argparse
import hashlib
import json
import lzma
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from latefind.errors import LatefindError
from latefind_build.progress import say
from latefind_train.holdout import DISTRACTORS, SOURCES, make_dev, write_dev
from latefind_train.overlap import Forbidden, read_sets
from latefind_train.pack import Packer, deal, write_shard
from latefind_train.sources import KINDS, Row, Tally, clean, read_rows
from latefind_train.wordpiece import WordPiece

CHUNK = 20_000
"""Rows that are compared and tokenised at a time."""

MOST_WORDS = 60_000
"""Words of each language that ``words.xz`` keeps."""

DEV = "dev (held out)"


@dataclass
class Prepared:
    """What the rows came to, beside what the packer holds."""

    tally: Tally = field(default_factory=Tally)
    near: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    words: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    others: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    held: list[Row] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m latefind_train.prepare", description="Pack training text."
    )
    parser.add_argument("--texts", type=Path, required=True, help="folder of the training files")
    parser.add_argument("--eval", type=Path, required=True, help="folder of sets that must not be trained on")
    parser.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.json to pack with")
    parser.add_argument("--output", type=Path, required=True, help="folder for the shards")
    parser.add_argument("--shard-mib", type=float, default=18.0, help="about how large a shard gets")
    parser.add_argument("--longest", type=int, default=254, help="tokens that a text is cut at")
    parser.add_argument("--limit", type=int, help="rows of each file, to try things out")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        prepare(options)
    except LatefindError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def prepare(options: argparse.Namespace) -> None:
    """Read, clean, compare, hold out, pack; see the module."""
    options.output.mkdir(parents=True, exist_ok=True)
    packer = Packer(WordPiece(options.tokenizer), options.longest)
    prepared = Prepared()
    forbidden = Forbidden()
    for name, texts in read_sets(options.eval):
        forbidden.add(name, texts)
    say(f"Comparing with {len(forbidden.sets)} sets")
    prepared.held = _hold_out(options, forbidden, prepared)
    forbidden.add(DEV, [text for row in prepared.held for text in (row.query, row.passage)])
    for kind in KINDS:
        rows = (row for row in _cleaned(options, kind, prepared.tally) if row.source not in SOURCES)
        _pack(rows, packer, forbidden, prepared)
        say(f"{kind}: {len(packer.kinds[kind].query):,} rows packed")
    tasks = make_dev(prepared.held, prepared.others, options.seed)
    files = {"dev.xz": write_dev(options.output / "dev.xz", tasks)}
    files["words.xz"] = write_words(options.output / "words.xz", prepared.words)
    for number, dealt in enumerate(deal(packer, int(options.shard_mib * 2**20), options.seed)):
        name = f"shard-{number}.xz"
        files[name] = write_shard(options.output / name, packer, dealt)
        say(
            f"{name}: {files[name]:,} bytes, "
            + ", ".join(f"{len(own):,} {kind}" for kind, own in dealt.items())
        )
    report = _report(options, prepared, packer, files)
    report["dev"] = {name: [len(task.queries), len(task.documents)] for name, task in tasks.items()}
    (options.output / "manifest.json").write_text(json.dumps(report, indent=1, ensure_ascii=False), "utf-8")


def _cleaned(options: argparse.Namespace, kind: str, tally: Tally) -> Iterator[Row]:
    """Yield rows without flaws, each text once."""
    seen: set[bytes] = set()
    for row in read_rows(options.texts, kind, options.limit):  # type: ignore[arg-type]
        tally.add("read", row)
        mended, flaw = clean(row)
        if flaw:
            tally.add(flaw, row)
        if mended is None:
            continue
        text = f"{mended.language}\0{mended.query}\0{mended.passage}".casefold()
        digest = hashlib.blake2b(text.encode(), digest_size=12).digest()
        if digest in seen:
            tally.add("seen before", row)
            continue
        seen.add(digest)
        yield mended


def _hold_out(options: argparse.Namespace, forbidden: Forbidden, prepared: Prepared) -> list[Row]:
    """Return the rows of the held out sources, less those that are near to an evaluation set."""
    ignored = Tally()
    held = [row for kind in KINDS for row in _cleaned(options, kind, ignored) if row.source in SOURCES]
    near = forbidden.find(held)
    for row, name in zip(held, near, strict=True):
        prepared.tally.add("near to an evaluation set" if name else "held out", row)
        if name:
            prepared.near[row.kind, row.source, name] += 1
    return [row for row, name in zip(held, near, strict=True) if not name]


def _pack(rows: Iterator[Row], packer: Packer, forbidden: Forbidden, prepared: Prepared) -> None:
    while chunk := list(islice(rows, CHUNK)):
        kept = []
        for row, name in zip(chunk, forbidden.find(chunk), strict=True):
            if name:
                prepared.tally.add(
                    "near to held out text" if name == DEV else "near to an evaluation set", row
                )
                prepared.near[row.kind, row.source, name] += 1
                continue
            kept.append(row)
            prepared.tally.add("packed", row)
            _count_words(row, prepared)
        packer.add(kept)


def _count_words(row: Row, prepared: Prepared) -> None:
    prepared.words["en" if row.kind == "parallel" else row.language].update(row.query.split())
    prepared.words[row.language].update(row.passage.split())
    others = prepared.others[row.language]
    # Spread over the file, and the same whatever comes later: every 50th until there are enough.
    if row.kind == "pairs" and row.number % 50 == 0 and len(others) < DISTRACTORS:
        others.append(row)


def write_words(path: Path, words: dict[str, Counter[str]]) -> int:
    """Write the most frequent words of each language and return the bytes."""
    content = {language: dict(sorted_words(counts)) for language, counts in sorted(words.items())}
    data = lzma.compress(json.dumps(content, ensure_ascii=False).encode())
    path.write_bytes(data)
    return len(data)


def sorted_words(counts: Counter[str]) -> list[tuple[str, int]]:
    """Return the most frequent words, in an order that does not depend on the order of counting."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_WORDS]


def _report(
    options: argparse.Namespace, prepared: Prepared, packer: Packer, files: dict[str, int]
) -> dict[str, object]:
    tally = prepared.tally
    tokens = {
        kind: [sum(map(len, packed.query)), sum(map(len, packed.passage))]
        for kind, packed in packer.kinds.items()
    }
    return {
        "tokenizer": hashlib.sha256(options.tokenizer.read_bytes()).hexdigest(),
        "seed": options.seed,
        "rows": {kind: {what: tally.total(what, kind) for what in tally.names()} for kind in KINDS},
        "tokens": tokens,
        "by_source": {what: tally.by(what) for what in tally.names() if what != "read"},
        "near": [[*key, count] for key, count in prepared.near.most_common()],
        "files": files,
    }


if __name__ == "__main__":
    sys.exit(main())

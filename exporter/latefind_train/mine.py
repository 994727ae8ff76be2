"""Find hard negatives with the model itself: ``python -m latefind_train.mine --start DIR --part DIR …``.

For each pair, passages of the same language that the model ranks high and that do not answer the query. What
may answer it is left out: the same text, the same block (neighbours in their file), and whatever scores
:data:`MARGIN` of the right passage or more. Candidates are a random part of a language's passages, so that a
query is compared with tens of thousands and not with all. Writes one ``.npy``, uint32 (rows of pairs, kept),
filled up with :data:`latefind_train.collate.NONE`; it belongs to the shards that it was mined from, in their
order.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from latefind.errors import LatefindError
from latefind_build.progress import progress, say
from latefind_train.collate import NONE
from latefind_train.pack import LANGUAGES, Texts, read_shards
from latefind_train.spans import Aligner
from latefind_train.wordpiece import WordPiece

KEPT = 4
"""Negatives of each query."""

DEPTH = 32
"""Ranks that they are drawn from; the first ones are mostly answers that nobody marked."""

MARGIN = 0.95
"""Of the right passage's score: above it a passage may be right."""

CANDIDATES = 20_000
"""Passages of a language that a query is compared with."""

TOKENS = 96
"""Of a passage; what comes later seldom decides."""

QUERIES = 64
"""Compared at a time."""

Negatives = npt.NDArray[np.uint32]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m latefind_train.mine", description="Mine hard negatives.")
    parser.add_argument("--start", type=Path, required=True, help="checkpoint that the run started from")
    parser.add_argument("--part", type=Path, required=True, help="the part whose model is to mine")
    parser.add_argument("--teacher", type=Path, required=True, help="folder whose vocabulary the text has")
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="in the order of the run's")
    parser.add_argument("--output", type=Path, required=True, help="the .npy to write")
    parser.add_argument("--rows", type=int, help="queries of each language; all without it")
    options = parser.parse_args(arguments)
    try:
        mine(options)
    except LatefindError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def mine(options: argparse.Namespace) -> None:
    """Mine language by language; see the module."""
    import torch
    from sentence_transformers import MultiVectorEncoder

    from latefind_train.parts import load_part

    model = MultiVectorEncoder(str(options.start), model_kwargs={"add_pooling_layer": False})
    _, weights = load_part(options.part)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    aligner = Aligner(
        WordPiece(options.teacher / "tokenizer.json"), WordPiece(options.start / "tokenizer.json")
    )
    texts = read_shards(options.shards, aligner.teacher)["pairs"]
    found = np.full((texts.rows, KEPT), NONE, np.uint32)
    rng = np.random.default_rng(1)
    for number, language in enumerate(LANGUAGES):
        rows = np.flatnonzero(texts.arrays["language"] == number)
        if not len(rows):
            continue
        candidates = np.sort(rng.permutation(rows)[:CANDIDATES])
        asked = np.sort(rng.permutation(rows)[: options.rows])
        vectors = _embed(model, aligner, [texts.passage(row) for row in candidates], is_query=False)
        say(f"{language}: {len(asked):,} queries, {len(candidates):,} passages")
        for start in progress(range(0, len(asked), QUERIES), -(-len(asked) // QUERIES), language, "batches"):
            batch = asked[start : start + QUERIES]
            found[batch] = _mine_batch(model, aligner, texts, batch, candidates, vectors, rng)
        # After each language, so that a machine that is taken away leaves what was found.
        partial = options.output.with_name(f"{options.output.name}.partial")
        with partial.open("wb") as file:
            np.save(file, found)
        partial.replace(options.output)
    say(f"{options.output}: {(found != NONE).any(axis=1).sum():,} of {texts.rows:,} queries have negatives")


def _mine_batch(
    model: Any,
    aligner: Aligner,
    texts: Texts,
    rows: npt.NDArray[np.int64],
    candidates: npt.NDArray[np.int64],
    vectors: tuple[Any, Any],
    rng: np.random.Generator,
) -> Negatives:
    import torch

    from latefind_train.losses import maxsim

    queries, query_mask = _embed(model, aligner, [texts.query(row) for row in rows], is_query=True)
    own, own_mask = _embed(model, aligner, [texts.passage(row) for row in rows], is_query=False)
    right = maxsim(queries, own, query_mask, own_mask).diagonal()
    step = max(1, CANDIDATES // 20)  # documents at a time: bounds the similarities in memory
    scores = torch.cat(
        [
            maxsim(queries, vectors[0][at : at + step], query_mask, vectors[1][at : at + step])
            for at in range(0, len(candidates), step)
        ],
        dim=1,
    )
    best = scores.topk(min(DEPTH, len(candidates)), dim=1)
    return choose(
        rows,
        candidates[best.indices.cpu().numpy()],
        best.values.cpu().numpy() < MARGIN * right.cpu().numpy()[:, None],
        texts,
        rng,
    )


def choose(
    rows: npt.NDArray[np.int64],
    ranked: npt.NDArray[np.int64],
    wrong: npt.NDArray[np.bool_],
    texts: Texts,
    rng: np.random.Generator,
) -> Negatives:
    """Return up to :data:`KEPT` negatives of each row out of its ``ranked`` rows (rows, depth).

    ``wrong`` says which score too low to be right; the same text and the same block are never taken.
    """
    found = np.full((len(rows), KEPT), NONE, np.uint32)
    text, block = texts.arrays["text"], texts.arrays["block"]
    for place, row in enumerate(rows):
        others = ranked[place]
        fits = wrong[place] & (text[others] != text[row]) & (block[others] != block[row])
        own = others[fits]
        kept = np.sort(rng.permutation(len(own))[:KEPT])
        found[place, : len(kept)] = own[kept]
    return found


def _embed(model: Any, aligner: Aligner, ids: Sequence[Any], is_query: bool) -> tuple[Any, Any]:
    """Return token embeddings in half precision where there is a GPU, and their mask."""
    import torch

    words = aligner.teacher.words
    student = aligner.student
    prefix = student.tokenizer.token_to_id(model.prompts["query" if is_query else "document"])
    longest = 48 if is_query else TOKENS
    rows = [
        [student.cls, prefix, *aligner.align(words(text), longest - 3).student, student.sep] for text in ids
    ]
    padded = np.full((len(rows), longest), student.pad, np.int64)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    has_gpu = model.device.type == "cuda"
    vectors, masks = [], []
    with torch.inference_mode(), torch.autocast(model.device.type, torch.bfloat16, enabled=has_gpu):
        for start in range(0, len(padded), 512):
            tokens = torch.from_numpy(padded[start : start + 512]).to(model.device)
            features = {"input_ids": tokens, "attention_mask": (tokens != student.pad).long()}
            output = model(features, task="query" if is_query else "document")
            vectors.append(output["token_embeddings"].to(torch.bfloat16 if has_gpu else torch.float32))
            masks.append(output["attention_mask"].bool())
    return torch.cat(vectors), torch.cat(masks)


if __name__ == "__main__":
    sys.exit(main())

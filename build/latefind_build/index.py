"""Sections to index parts: windows, token embeddings, shards."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from latefind.errors import InputError
from latefind.format import VectorShard, quantize, write_sections, write_vectors
from latefind.manifest import Part
from latefind.model import ModelSpec, TokenPlan, insert_prefix, plan_document_ids
from latefind.passages import Passage, Section, encoded_text
from latefind_build.bundle import ModelBundle
from latefind_build.encode import Encoder
from latefind_build.files import write_part
from latefind_build.progress import progress
from latefind_build.windows import split_passages

SHARD_VECTORS = 32_768
"""Most vectors of a shard (one passage may exceed it): about 4 MiB at 128 dimensions."""

SHARD_TEXT_BYTES = 2 * 2**20
"""Text of a shard of sections at which the next one begins."""


@dataclass(frozen=True, slots=True)
class Index:
    """The parts written, and how much is in them."""

    parts: Sequence[Part]
    languages: Sequence[str]
    sections: int
    passages: int
    vectors: int


def build_index(sections: Sequence[Section], bundle: ModelBundle, folder: Path, jobs: int) -> Index:
    """Encode ``sections`` and write their parts below ``folder``/index.

    The same sections and model give the same bytes, whatever ``jobs``.

    Raises
    ------
    InputError
        There is no section, or not one of them has text that the model's tokenizer knows.
    """
    if not sections:
        raise InputError.expected("content", "at least one section with text", "none", "Is the site built?")
    tokenizer = _open_tokenizer(bundle)
    # The prefix is inserted after tokenisation, so the text must leave room for it.
    length = bundle.spec.document_length - (bundle.spec.document_prefix_id is not None)
    passages = [
        passage
        for number, section in enumerate(sections)
        for passage in split_passages(section, number, tokenizer, length)
    ]
    plans = _plan_passages(sections, passages, tokenizer, bundle.spec, length)
    embeddings = Encoder(bundle.onnx).encode_all(plans, jobs)
    parts: list[Part] = []
    vectors = 0
    for shard in _shards(progress(embeddings, len(passages), "Encoding", "passages")):
        vectors += len(shard.codes)
        parts.append(
            write_part(folder, "vectors", f"index/vectors-{len(parts):05}.bin", write_vectors(shard))
        )
    if not vectors:
        raise InputError.expected("content", "text that the model knows", "none", "Is it the right language?")
    parts += _write_sections(sections, passages, folder)
    languages = sorted({section.lang for section in sections if section.lang})
    return Index(parts, languages, len(sections), len(passages), vectors)


def _open_tokenizer(bundle: ModelBundle) -> Tokenizer:
    """Open the reference implementation, many times faster than ours and equal to it id for id."""
    tokenizer = Tokenizer.from_file(str(bundle.tokenizer))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _plan_passages(
    sections: Sequence[Section],
    passages: Iterable[Passage],
    tokenizer: Tokenizer,
    spec: ModelSpec,
    length: int,
) -> Iterator[TokenPlan]:
    """Yield the token plan of each passage: what ``Model.plan_document`` gives, by the fast tokenizer."""
    tokenizer.enable_truncation(length)
    for passage in passages:
        ids = tokenizer.encode(encoded_text(sections[passage.section], passage)).ids
        yield plan_document_ids(spec, insert_prefix(ids, spec.document_prefix_id))


def _shards(embeddings: Iterable[npt.NDArray[np.float32]]) -> Iterator[VectorShard]:
    """Quantise and pack consecutive passages into shards of bounded size."""
    first, held, size = 0, list[npt.NDArray[np.float32]](), 0
    for vectors in embeddings:
        if held and size + len(vectors) > SHARD_VECTORS:
            yield _pack(first, held)
            first, held, size = first + len(held), [], 0
        held.append(vectors)
        size += len(vectors)
    if held:
        yield _pack(first, held)


def _pack(first: int, held: Sequence[npt.NDArray[np.float32]]) -> VectorShard:
    codes, scales = quantize(np.concatenate(held))
    return VectorShard(first, np.array([len(vectors) for vectors in held], np.uint32), scales, codes)


def _write_sections(sections: Sequence[Section], passages: Sequence[Passage], folder: Path) -> Iterator[Part]:
    """Write shards of sections, each with the passages of its sections."""
    shard = first_section = first_passage = next_passage = size = 0
    for number, section in enumerate(sections):
        size += len(section.text.encode())
        while next_passage < len(passages) and passages[next_passage].section == number:
            next_passage += 1
        if size >= SHARD_TEXT_BYTES or number == len(sections) - 1:
            data = write_sections(
                first_section,
                sections[first_section : number + 1],
                first_passage,
                passages[first_passage:next_passage],
            )
            yield write_part(folder, "sections", f"index/sections-{shard:05}.bin", data)
            shard, first_section, first_passage, size = shard + 1, number + 1, next_passage, 0

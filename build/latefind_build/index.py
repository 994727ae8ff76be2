"""Sections to index parts: passages, token embeddings, pooling, codec, shards.

The stages, in order: cut sections into passages; encode them (through the cache) and pool their vectors into
a store on disk; train the codec on a sample; put the sections in the order of the shards; code and write.
The same sections, model and options give the same bytes, whatever ``jobs`` and whatever is cached.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from latefind.codec import Codec
from latefind.errors import InputError, UsageError
from latefind.format import encode_section
from latefind.manifest import Part
from latefind.model import Model
from latefind.passages import Passage, Section
from latefind_build.bundle import ModelBundle
from latefind_build.cache import EmbeddingCache, cache_file, encode_cached
from latefind_build.choose import Choice, choose_settings
from latefind_build.encode import Encoder
from latefind_build.files import write_part
from latefind_build.lexical import build_lexical
from latefind_build.order import order_sections
from latefind_build.plans import Planner
from latefind_build.pool import pool_vectors
from latefind_build.progress import progress, say
from latefind_build.settings import CODE_BYTES, DEFAULT_BYTES, DEFAULT_POOL
from latefind_build.shards import Layout, write_index
from latefind_build.store import VectorStore
from latefind_build.train import sample_size, train_codec

SMALL_PASSAGES = 5_000
"""Largest index that is loaded as one file and scanned whole: about 6 MB and 50 ms a query."""

SHARD_BYTES = 2**20
"""Size of a shard of the large tier, about 1,000 passages. Measured on 100,000 passages: six such shards keep
90 % of the nDCG@10, six of half the size 84 %."""

SECTION_BYTES, PASSAGE_BYTES = 4, 16
"""What a shard holds beside records and vectors: an offset a section; a range and a length a passage."""

MOST_IN_MANIFEST = 65_536
"""The root of the word index and the model's settings are in the manifest too, up to so many bytes each: that
spares a request and, of the root, a round trip. The root has about 35 kB at 2,500 sections, nearly all of it
cards, and 23 at 100,000; only facets of very many values make it larger. The settings have 1 to 2 kB."""

SEED = 20_240_924
"""Of every random choice. Any number would do, as long as it stays."""


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How to index.

    Attributes
    ----------
    jobs : int
        Encoder threads.
    vector_bytes : int or None
        Bytes of a stored vector, 18 or 34; None chooses.
    pool : int or None
        Pooling factor, 1 (off) to 4; None chooses.
    tier : str
        "small", "large", or "auto" by the number of passages.
    cache : Path or None
        Folder of the embeddings cache; None for no cache.
    """

    jobs: int = 1
    vector_bytes: int | None = DEFAULT_BYTES
    pool: int | None = DEFAULT_POOL
    tier: str = "auto"
    cache: Path | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """The parts written, and how much is in them."""

    parts: Sequence[Part]
    languages: Sequence[str]
    tier: str
    sections: int
    passages: int
    vectors: int


def build_index(
    sections: Sequence[Section], bundle: ModelBundle, folder: Path, options: IndexOptions
) -> Index:
    """Encode ``sections`` and write their parts below ``folder``/index.

    Raises
    ------
    InputError
        There is no section, or not one of them has text that the model's tokenizer knows.
    UsageError
        The bytes of a vector do not fit the model's dimensions.
    """
    if not sections:
        raise InputError.expected("content", "at least one section with text", "none", "Is the site built?")
    _check_bytes(options.vector_bytes, bundle.spec.dimensions)
    planner = Planner(bundle)
    passages = planner.cut(sections)
    tier = _choose_tier(options.tier, len(passages))
    with VectorStore(folder, bundle.spec.dimensions) as store:
        choice = _encode(sections, passages, planner, bundle, store, options)
        vectors = store.finish()
        if not vectors:
            raise InputError.expected(
                "content", "text that the model knows", "none", "Is it the right language?"
            )
        codec = _train(store, vectors, choice.vector_bytes - CODE_BYTES)
        layout = _lay_out(sections, passages, store, tier, choice.vector_bytes)
        parts = write_index(folder, layout, store, codec)
    languages = sorted({section.lang for section in sections if section.lang})
    parts.append(_write_lexical(folder, layout, languages or bundle.spec.languages))
    return Index(parts, languages, tier, len(sections), len(passages), vectors)


def _write_lexical(folder: Path, layout: Layout, languages: Sequence[str]) -> Part:
    """Write the word index, whose documents are numbered as the sections of all shards; return its root."""
    ordered = [layout.sections[number] for shard in layout.shards for number in shard]
    lexical = build_lexical(ordered, languages)
    for name, data in lexical.others.items():
        (folder / "index" / name).write_bytes(data)
    root = write_part(folder, "lexical", "index/lexical.bin", lexical.root)
    return replace(root, data=lexical.root) if root.size <= MOST_IN_MANIFEST else root


def _check_bytes(wanted: int | None, dimensions: int) -> None:
    if wanted is not None and dimensions % (wanted - CODE_BYTES):
        raise UsageError.expected(
            "--bytes", f"bytes of which all but {CODE_BYTES} divide {dimensions} dimensions", str(wanted)
        )


def _choose_tier(wanted: str, passages: int) -> str:
    if wanted != "auto":
        return wanted
    return "small" if passages <= SMALL_PASSAGES else "large"


def _encode(
    sections: Sequence[Section],
    passages: Sequence[Passage],
    planner: Planner,
    bundle: ModelBundle,
    store: VectorStore,
    options: IndexOptions,
) -> Choice:
    """Fill ``store`` with the pooled vectors of every passage; return the settings, chosen where asked."""
    encoder = Encoder(bundle.onnx)
    path = None if options.cache is None else cache_file(options.cache, bundle.settings)
    with EmbeddingCache(path, bundle.spec.dimensions) as cache:

        def encode(wanted: Iterable[Passage]) -> Iterable[npt.NDArray[np.float16]]:
            return encode_cached(encoder, planner.plan(sections, wanted), options.jobs, cache)

        choice = Choice.of(options.vector_bytes, options.pool)
        if choice is None:
            model = Model.from_bytes(bundle.settings, bundle.tokenizer.read_bytes())
            choice = choose_settings(
                sections,
                passages,
                encode,
                lambda text: encoder.encode(model.plan_query(text)),
                options.vector_bytes,
                options.pool,
            )
            say(choice.table)
        for vectors in progress(encode(passages), len(passages), "Encoding", "passages"):
            store.append(pool_vectors(vectors.astype(np.float32), choice.pool))
    return choice


def _train(store: VectorStore, vectors: int, subspaces: int) -> Codec:
    """Train the codec on a sample from all over the index."""
    random = np.random.default_rng(SEED)
    rows = np.sort(random.choice(vectors, sample_size(vectors), replace=False)).astype(np.int64)
    return train_codec(store.rows(rows), vectors, subspaces, SEED)


def _lay_out(
    sections: Sequence[Section],
    passages: Sequence[Passage],
    store: VectorStore,
    tier: str,
    vector_bytes: int,
) -> Layout:
    """Say which sections go into which shard: the small tier has one, in the order of the pages."""
    if tier == "small":
        return Layout(sections, passages, [np.arange(len(sections))], summary=False)
    means = np.zeros((len(sections), store.dimensions), np.float32)
    sizes = np.array([SECTION_BYTES + len(encode_section(section)) for section in sections], np.int64)
    for number, passage in enumerate(passages):
        [vectors] = store.passages([number])
        means[passage.section] += vectors.sum(axis=0)
        sizes[passage.section] += PASSAGE_BYTES + len(vectors) * vector_bytes
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    means /= np.where(lengths > 0, lengths, np.float32(1))
    return Layout(sections, passages, order_sections(means, sizes.tolist(), SHARD_BYTES), summary=True)

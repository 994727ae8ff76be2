"""Sections to passages: windows of a section's text that fit the model's document length.

Guarantees: the windows of a section follow each other without overlap and leave out nothing but whitespace;
each window's ``encoded_text`` has at most ``length`` tokens, counted by the tokenizer that will encode it,
unless the context alone leaves no room (see ``MIN_ROOM``).

A text that fits is one passage. Otherwise the windows are made about equally long, so that none is a scrap,
and end where the best break is near: between blocks, then sentences, then words, then tokens. All cuts come
from one tokenisation of the section. A window is tokenised once more, to make sure, only where that may give
another count: a word that is cut may have more tokens in its parts than as a whole.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tokenizers import Encoding, Tokenizer

from latefind.passages import Passage, Section, context_of, encoded_text

MIN_ROOM = 16
"""Tokens of its own text that a window has room for at least. A context that leaves less is cut by the
encoder, and the windows then are a third of the model's length."""

SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*\s+|[。！？][」』”’）]*")

BLOCK_REACH = 0.5
"""How far from the ideal end of a window a break between blocks may be, as a part of the ideal length: the
smaller, the more even the windows; the larger, the fewer blocks are cut."""

SENTENCE_REACH = 0.3
WORD_REACH = 0.2

SAFE_SLACK = 1 / 16
"""Part of the model's length that a window cut at whitespace must leave free so that it is not counted again.
Vocabularies that split at whitespace count the same there; others differ by a token or two at each end."""


@dataclass(frozen=True, slots=True)
class _Breaks:
    """Where a text may be cut: its tokens' offsets, and the tokens before which a break lies, ascending."""

    starts: Sequence[int]
    ends: Sequence[int]
    blocks: Sequence[int]
    sentences: Sequence[int]


def split_passages(section: Section, number: int, tokenizer: Tokenizer, length: int) -> list[Passage]:
    """Return the passages of ``section``, the ``number``-th of the index, in order; at least one.

    Parameters
    ----------
    tokenizer : Tokenizer
        The model's. Truncation and padding are switched off in it.
    length : int
        Most ids that ``tokenizer.encode(encoded_text(…))`` may give, special tokens included. For a model
        with a document prefix: one less than its document length.
    """
    if not section.text or section.text.isspace():
        return [Passage(number, 0, 0)]
    # Truncation would hide the text that is to be counted.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    whole = Passage(number, 0, len(section.text))
    encoding = tokenizer.encode(encoded_text(section, whole))
    if len(encoding.ids) <= length:
        return [whole]
    breaks = _find_breaks(section, encoding)
    overhead = len(encoding.ids) - len(breaks.starts)
    room = length - overhead
    if room < min(MIN_ROOM, length // 3):
        # Nothing to be gained from counting these again: the encoder cuts their context, not them.
        return _make_passages(section, number, breaks, max(length // 3, 1))[0]
    passages, counts = _make_passages(section, number, breaks, room)
    return _fit(section, passages, [count + overhead for count in counts], tokenizer, length)


def _find_breaks(section: Section, encoding: Encoding) -> _Breaks:
    """Return the breaks of the section's own text; offsets are relative to it."""
    text = section.text
    context = context_of(section)
    shift = len(context) + 2 if context else 0
    special = encoding.special_tokens_mask
    spans = [
        (start - shift, end - shift)
        for (start, end), is_special in zip(encoding.offsets, special, strict=True)
        if not is_special and start >= shift
    ]
    starts = [start for start, _ in spans]
    blocks = {bisect_left(starts, match.end()) for match in re.finditer(r"\n\s*", text)}
    sentences = {bisect_left(starts, match.end()) for match in SENTENCE_END.finditer(text)}
    ends = [end for _, end in spans]
    return _Breaks(starts, ends, sorted(blocks), sorted(sentences))


def _make_passages(
    section: Section, number: int, breaks: _Breaks, room: int
) -> tuple[list[Passage], list[int]]:
    """Cut the text into windows of at most ``room`` tokens; return them with the tokens of each."""
    text = section.text
    tokens = [0, *_choose_cuts(text, breaks, room), len(breaks.starts)]
    places = [0, *(breaks.starts[token] for token in tokens[1:-1]), len(text)]
    passages = [_strip(text, number, start, end) for start, end in pairwise(places)]
    return passages, [end - start for start, end in pairwise(tokens)]


def _choose_cuts(text: str, breaks: _Breaks, room: int) -> list[int]:
    """Return the tokens that begin a new window."""
    cuts: list[int] = []
    first, total = 0, len(breaks.starts)
    while total - first > room:
        rest = total - first
        windows = -(-rest // room)
        ideal = -(-rest // windows)
        first = _choose_cut(text, breaks, first, ideal, room)
        if first >= total:
            break
        cuts.append(first)
    return cuts


def _choose_cut(text: str, breaks: _Breaks, first: int, ideal: int, room: int) -> int:
    """Return the token that begins the window after the one that begins at ``first``."""
    target = first + ideal
    last = first + room
    for tokens, reach in ((breaks.blocks, BLOCK_REACH), (breaks.sentences, SENTENCE_REACH)):
        low = target - int(ideal * reach)
        near = tokens[bisect_right(tokens, max(low - 1, first)) : bisect_right(tokens, last)]
        if near:
            return min(near, key=lambda token: abs(token - target))
    starts, ends = breaks.starts, breaks.ends
    for token in range(target, max(target - int(ideal * WORD_REACH), first + 1) - 1, -1):
        if any(character.isspace() for character in text[ends[token - 1] : starts[token]]):
            return token
    # Several tokens may share one character (byte-level vocabularies): that is no place to cut.
    for token in range(target, first, -1):
        if starts[token] >= ends[token - 1]:
            return token
    return next(
        (token for token in range(target, len(starts)) if starts[token] >= ends[token - 1]), len(starts)
    )


def _strip(text: str, number: int, start: int, end: int) -> Passage:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Passage(number, start, end)


def _fit(
    section: Section, passages: Sequence[Passage], counts: Sequence[int], tokenizer: Tokenizer, length: int
) -> list[Passage]:
    """Return ``passages`` with those halved, as often as needed, that have more than ``length`` tokens."""
    fitting: list[Passage] = []
    pending = [
        (passage, count if _is_certain(section.text, passage, count, length) else None)
        for passage, count in zip(passages, counts, strict=True)
    ]
    pending.reverse()
    while pending:
        passage, count = pending.pop()
        if count is None:
            count = len(tokenizer.encode(encoded_text(section, passage)).ids)
        if count <= length or passage.end - passage.start < 2:
            fitting.append(passage)
        else:
            pending += [(half, None) for half in reversed(_halve(section.text, passage))]
    return [passage for passage in fitting if passage.end > passage.start]


def _is_certain(text: str, passage: Passage, count: int, length: int) -> bool:
    """Return whether a window counted as part of its section has about as many tokens on its own."""
    if count > length * (1 - SAFE_SLACK):
        return False
    before, after = text[max(passage.start - 1, 0) : passage.start], text[passage.end : passage.end + 1]
    return (not before or before.isspace()) and (not after or after.isspace())


def _halve(text: str, passage: Passage) -> list[Passage]:
    """Split a passage at the whitespace before its middle, or in its middle where there is none."""
    middle = (passage.start + passage.end) // 2
    cut = middle
    while cut > passage.start and not text[cut - 1].isspace():
        cut -= 1
    if cut == passage.start:
        cut = middle
    return [
        _strip(text, passage.section, passage.start, cut),
        _strip(text, passage.section, cut, passage.end),
    ]

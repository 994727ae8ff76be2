"""Snippets: the sentences of a passage that a result shows.

A passage is the window of its section that MaxSim scored best, so any part of it is relevant; the snippet
opens at the sentence that shares the most words with the query, or at the start where none does.
"""

import re

LENGTH = 240
"""Code points of a snippet, ellipses not counted."""

_SENTENCE = re.compile(r"(?<=[.!?:;])\s+|\n+")
_WORD = re.compile(r"\w{3,}")


def make_snippet(text: str, query: str) -> str:
    """Return at most ``LENGTH`` code points of ``text`` (plus ellipses), whitespace collapsed.

    Words are compared by their first five letters, case folded, which stands in for stemming: "threads"
    meets "threading". Ties go to the earlier sentence.
    """
    wanted = _stems(query)
    starts = [0, *(match.end() for match in _SENTENCE.finditer(text))]
    # What a reader would see from each start, so that a short sentence is judged with what follows it.
    hits = [len(wanted & _stems(text[start : start + LENGTH])) for start in starts]
    start = starts[hits.index(max(hits))]
    words = " ".join(text[start:].split())
    if len(words) > LENGTH:
        words = words[: LENGTH + 1].rsplit(" ", 1)[0][:LENGTH] + " …"
    return ("… " if text[:start].strip() else "") + words


def _stems(text: str) -> set[str]:
    return {word[:5] for word in _WORD.findall(text.casefold())}

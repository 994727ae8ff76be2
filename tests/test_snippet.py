"""Which part of a passage is shown, and where its words are in what is shown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latefind.snippet import LENGTH, Snippet, cut_snippet, make_snippet

TEXTS = st.text(st.sampled_from("ab é.!?;\n\t。天𝒳-'"), max_size=900)


def cut(text: str, *words: str) -> Snippet:
    """Cut where each of ``words`` matches its own word of the query, fully."""
    spans = sorted((text.index(word), text.index(word) + len(word)) for word in words)
    strengths = np.zeros((len(words), len(spans)), np.float32)
    for row, word in enumerate(words):
        strengths[row, spans.index((text.index(word), text.index(word) + len(word)))] = 1
    return cut_snippet(text, spans, strengths)


def test_short_text_is_shown_whole_with_white_space_collapsed() -> None:
    assert cut("  One\n\ttwo. ", "two").text == "One two."


def test_snippet_opens_at_the_sentence_from_which_most_is_matched() -> None:
    text = f"Alpha at first. {'Nothing here. ' * 20}Some beta and gamma. {'The end. ' * 30}"
    assert cut(text, "alpha"[1:], "beta", "gamma").text.startswith("… ")
    assert "Some beta and gamma." in cut(text, "Alpha", "beta", "gamma").text


def test_every_word_of_the_query_counts_once() -> None:
    text = f"Beta beta beta beta. {'Nothing here. ' * 20}One beta, one gamma."
    spans = [(at, at + 4) for at in range(len(text)) if text[at : at + 4].lower() == "beta"]
    gamma = text.index("gamma")
    strengths = np.ones((2, len(spans) + 1), np.float32)
    strengths[0, -1] = strengths[1, :-1] = 0
    assert "gamma" in cut_snippet(text, [*spans, (gamma, gamma + 5)], strengths).text


def test_long_sentence_is_opened_inside() -> None:
    text = f"{'word ' * 200}needle {'word ' * 200}"
    assert "needle" in cut(text, "needle").text


def test_text_without_spaces_is_cut_too() -> None:
    text = f"{'天地' * 200}玄黄{'天地' * 200}"
    snippet = cut(text, "玄黄")
    assert "玄黄" in snippet.text
    assert len(snippet.text) <= LENGTH + len("…  …") + 1


def test_sentences_of_text_without_spaces_begin_snippets() -> None:
    text = "これは文です。" * 60 + "玄黄という言葉。" + "これは文です。" * 60
    assert cut(text, "玄黄").text.startswith("… ")


@given(TEXTS, st.data())
def test_places_lead_to_the_same_characters(text: str, data: st.DataObject) -> None:
    spans = [(at, at + 1) for at, character in enumerate(text) if not character.isspace()]
    strengths = np.array([data.draw(st.lists(st.floats(0, 1), min_size=len(spans), max_size=len(spans)))])
    snippet = cut_snippet(text, spans, strengths.reshape(1, -1).astype(np.float32))
    assert len(snippet.text.strip(" …")) <= LENGTH
    for start, _ in spans:
        if snippet.start <= start < snippet.end:
            assert snippet.text[snippet.place(start)] == text[start]


@given(TEXTS)
def test_snippet_is_the_text_where_that_is_short_enough(text: str) -> None:
    words = " ".join(text.split())
    if len(words) <= LENGTH:
        assert make_snippet(text, "a query").removeprefix("… ") in words or not words


@pytest.mark.parametrize("text", ["", " \n "])
def test_no_text_gives_an_empty_snippet(text: str) -> None:
    assert make_snippet(text, "anything") == ""


def test_words_are_compared_without_their_ends() -> None:
    text = f"{'Nothing here. ' * 30}It is about threading. {'The end. ' * 30}"
    assert "threading" in make_snippet(text, "use threads")

"""`auto`: what is measured, what is chosen, and what the author is told."""

import numpy as np

from latefind.passages import Passage, Section
from latefind_build.choose import Choice, choose_settings

D = 32


def word(name: str) -> np.ndarray:
    """A unit vector for each word, the same every time."""
    vector = np.random.default_rng(list(name.encode())).standard_normal(D)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def embed(text: str) -> np.ndarray:
    return np.array([word(part) for part in ("[CLS]", *text.split())])


def site(count: int) -> tuple[list[Section], list[Passage]]:
    sections = [
        Section(str(n), "", f"title{n} about{n}", f"title{n} about{n} " + f"filler{n} body{n} text{n} " * 3)
        for n in range(count)
    ]
    return sections, [Passage(n, 0, len(section.text)) for n, section in enumerate(sections)]


def choose(
    sections: list[Section], passages: list[Passage], vector_bytes: int | None, pool: int | None
) -> Choice:
    def encode(wanted):
        return (embed(sections[passage.section].text).astype(np.float16) for passage in wanted)

    return choose_settings(sections, passages, encode, embed, vector_bytes, pool)


def test_choose_settings_takes_the_smallest_that_keeps_the_score():
    choice = choose(*site(30), None, None)

    rows = [line.split() for line in choice.table.splitlines()[2:]]
    chosen = next(row for row in rows if "chosen" in row)
    good = [row for row in rows if float(row[4]) >= 99]
    assert (choice.vector_bytes, choice.pool) == (int(chosen[0]), int(chosen[1]))
    assert float(chosen[2]) == min(float(row[2]) for row in good)
    assert len(rows) == 8


def test_choose_settings_leaves_what_is_given():
    choice = choose(*site(10), 34, None)

    assert choice.vector_bytes == 34
    assert len(choice.table.splitlines()) == 2 + 4


def test_choose_settings_without_unique_headings_takes_the_defaults():
    sections = [Section(str(n), "", "Notes", f"text{n}") for n in range(5)]

    choice = choose(sections, [Passage(n, 0, 5) for n in range(5)], None, None)

    assert (choice.vector_bytes, choice.pool) == (18, 2)
    assert "defaults" in choice.table


def test_choose_settings_chooses_the_same_again():
    assert choose(*site(20), None, None) == choose(*site(20), None, None)


def test_choice_of_given_settings_needs_no_measuring():
    assert Choice.of(18, 3) == Choice(18, 3)
    assert Choice.of(18, None) is None

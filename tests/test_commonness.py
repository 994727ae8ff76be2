"""What a word counts for: common words nothing, whatever the language."""

from latefind.commonness import WordCounts, distinctiveness
from latefind.passages import Section


def counts(*texts: str, lang: str = "en") -> WordCounts:
    return WordCounts(Section(str(number), "", "", text, lang=lang) for number, text in enumerate(texts))


ENGLISH = counts(*(f"Where the {word} is kept" for word in ["bread", "wine", "oil", "salt"] * 50))


def test_word_in_every_section_counts_nothing() -> None:
    assert distinctiveness("Where", [ENGLISH], "en") == 0.0


def test_word_in_few_sections_counts_fully() -> None:
    assert distinctiveness("threads", [ENGLISH], "en") == 1.0


def test_word_between_counts_partly() -> None:
    assert 0 < distinctiveness("bread", [ENGLISH], "en") < 1


def test_languages_are_counted_apart() -> None:
    german = counts(*["wo das Brot ist"] * 200, lang="de")
    assert distinctiveness("das", [ENGLISH, german], "de") == 0.0
    assert distinctiveness("brot", [ENGLISH, german], "en") == 1.0


def test_tag_with_a_region_is_the_same_language() -> None:
    assert distinctiveness("where", [counts(*["where is it"] * 100, lang="en-GB")], "en") == 0.0


def test_short_words_are_suspects_where_little_was_counted() -> None:
    little = [counts("A page.")]
    ranked = [distinctiveness(word, little, "en") for word in ("a", "of", "the", "page")]
    assert ranked == sorted(ranked)
    assert ranked[0] < 0.2 < 0.9 < ranked[-1]


def test_acronyms_numbers_and_characters_are_no_short_words() -> None:
    for word in ("IP", "42", "天"):
        assert distinctiveness(word, [counts("A page.")], "en") == 1.0


def test_rarest_part_of_a_word_decides() -> None:
    assert distinctiveness("where-abouts", [ENGLISH], "en") == 1.0

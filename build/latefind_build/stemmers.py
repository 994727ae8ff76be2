"""Snowball's stemmers, by language tag; needed where an index is built or searched natively."""

import functools

import snowballstemmer

from latefind.lexical_analysis import LANGUAGES, Analyser


@functools.cache
def analyser_of(language: str) -> Analyser:
    """Return the analyser of a primary subtag; of a language that Snowball lacks, one without stems."""
    name = LANGUAGES.get(language)
    if name is None:
        return Analyser()
    # Not snowballstemmer.stemmer(): that takes PyStemmer where it is installed, of whatever version.
    stemmer = getattr(snowballstemmer, f"{name.title()}Stemmer")()
    return Analyser(stemmer.stemWord)

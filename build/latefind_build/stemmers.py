"""Snowball's stemmers, by language tag; needed where an index is built or searched natively."""

import functools
import importlib

from latefind.lexical_analysis import LANGUAGES, Analyser


@functools.cache
def analyser_of(language: str) -> Analyser:
    """Return the analyser of a primary subtag; of a language that Snowball lacks, one without stems."""
    name = LANGUAGES.get(language)
    if name is None:
        return Analyser()
    # Not snowballstemmer.stemmer(): that takes PyStemmer where it is installed, of whatever version.
    module = importlib.import_module(f"snowballstemmer.{name}_stemmer")
    stemmer = getattr(module, f"{name.title()}Stemmer")()
    return Analyser(stemmer.stemWord)

"""The Metaspace pre-tokenizer: spaces become a visible character, by convention U+2581, that opens a word.

``prepend_scheme`` says whether a text that does not begin with that character gets one: ``always``,
``never``, or ``first``, which is at the very beginning of the input only, not behind an added token. Older
files say ``add_prefix_space`` instead. Imports ``latefind`` only.
"""

from latefind.tokenizer_fields import Fields
from latefind.tokenizer_text import AlignedText

SCHEMES = ("always", "first", "never")


class Metaspace:
    """Replaces spaces and cuts before each of them."""

    def __init__(self, replacement: str, scheme: str, cut: bool) -> None:
        self._replacement = replacement
        self._scheme = scheme
        self._cut = cut

    @classmethod
    def from_fields(cls, fields: Fields) -> "Metaspace":
        """Read the settings of either generation of files."""
        replacement = fields.text("replacement")
        if len(replacement) != 1:
            fields.fail("replacement", "one character")
        scheme = "always" if fields.raw("prepend_scheme") is None else fields.text("prepend_scheme")
        if scheme not in SCHEMES:
            fields.fail("prepend_scheme", " or ".join(SCHEMES))
        if fields.optional_flag("add_prefix_space") is False and scheme != "never":
            # What the library refuses, because the two contradict each other.
            fields.fail("add_prefix_space", "true, or prepend_scheme never")
        return cls(replacement, scheme, fields.optional_flag("split") is not False)

    def split(self, text: AlignedText) -> list[AlignedText]:
        """Return the words, each beginning with the replacement but for perhaps the first."""
        mark = self._replacement
        string, origins = text.text.replace(" ", mark), text.origins
        if not string:
            return []
        if not string.startswith(mark) and (
            self._scheme == "always" or (self._scheme == "first" and origins[0] == 0)
        ):
            string, origins = mark + string, [origins[0], *origins]
        marked = AlignedText(string, origins)
        if not self._cut:
            return [marked]
        words = []
        start = 0
        while start < len(string):
            end = string.find(mark, start + 1)
            if end < 0:
                end = len(string)
            words.append(marked.cut(start, end))
            start = end
        return words

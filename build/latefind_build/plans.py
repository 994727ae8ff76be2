"""From sections to encoder inputs: the passages that sections are cut into, and the token plan of each."""

from collections.abc import Iterable, Iterator, Sequence

from tokenizers import Tokenizer

from latefind.model import ModelSpec, TokenPlan, insert_prefix, plan_document_ids
from latefind.passages import Passage, Section, encoded_text
from latefind_build.bundle import ModelBundle
from latefind_build.windows import split_passages


class Planner:
    """Cuts and tokenises documents for one model.

    Uses the reference tokenizer, many times faster than ours and equal to it id for id.
    """

    def __init__(self, bundle: ModelBundle) -> None:
        self._spec: ModelSpec = bundle.spec
        self._tokenizer = Tokenizer.from_file(str(bundle.tokenizer))
        self._tokenizer.no_padding()
        # The prefix is inserted after tokenisation, so the text must leave room for it.
        self._length = bundle.spec.document_length - (bundle.spec.document_prefix_id is not None)

    def cut(self, sections: Sequence[Section]) -> list[Passage]:
        """Return the passages of all sections, in order."""
        return [
            passage
            for number, section in enumerate(sections)
            for passage in split_passages(section, number, self._tokenizer, self._length)
        ]

    def plan(self, sections: Sequence[Section], passages: Iterable[Passage]) -> Iterator[TokenPlan]:
        """Yield the plan of each passage: what ``Model.plan_document`` gives, by the fast tokenizer."""
        self._tokenizer.enable_truncation(self._length)
        for passage in passages:
            text = encoded_text(sections[passage.section], passage)
            yield plan_truncated(self._tokenizer, self._spec, text)


def plan_truncated(tokenizer: Tokenizer, spec: ModelSpec, text: str) -> TokenPlan:
    """Return the plan of a document by a fast tokenizer that truncates to what the prefix leaves room for."""
    # PyLate strips texts; vocabularies that keep spaces would otherwise give other ids.
    return plan_document_ids(spec, insert_prefix(tokenizer.encode(text.strip()).ids, spec.document_prefix_id))

"""Post-processors of ``tokenizer.json``: which special tokens stand around the tokens of a text."""

from collections.abc import Callable
from dataclasses import dataclass

from latefind.tokenizer_fields import Fields


@dataclass(frozen=True, slots=True)
class Template:
    """What an encoding consists of: runs of special token ids, and None where the text's tokens stand."""

    parts: tuple[tuple[int, ...] | None, ...] = (None,)

    @property
    def added(self) -> int:
        """Special tokens that the template adds."""
        return sum(len(part) for part in self.parts if part is not None)


def _template(fields: Fields) -> Template:
    special = fields.child("special_tokens")
    parts: list[tuple[int, ...] | None] = []
    for piece in fields.children("single"):
        if piece.raw("Sequence") is not None:
            sequence = piece.child("Sequence")
            if sequence.raw("id") != "A":
                sequence.fail("id", "'A', the only text of a single encoding")
            parts.append(None)
        else:
            name = piece.child("SpecialToken").text("id")
            parts.append(tuple(special.child(name).ids("ids")))
    return Template(tuple(parts))


def _bert(fields: Fields) -> Template:
    return Template(((_bert_id(fields, "cls"),), None, (_bert_id(fields, "sep"),)))


def _bert_id(fields: Fields, name: str) -> int:
    value = fields.raw(name)
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], int):
        fields.fail(name, "a token and its id")
    return value[1]


PROCESSORS: dict[str, Callable[[Fields], Template]] = {
    "BertProcessing": _bert,
    "TemplateProcessing": _template,
}
"""Post-processors by ``type``; a further one is added here."""

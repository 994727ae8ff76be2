"""Post-processors of ``tokenizer.json``: which special tokens stand around the tokens of a text.

Those of byte-level tokenizers also take spaces out of the offsets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from latefind.tokenizer_fields import Fields, build


class Trimmer(Protocol):
    """Takes spaces at the ends of tokens out of their offsets."""

    def trim(
        self,
        ids: list[int],
        offsets: list[tuple[int, int]],
        found: Mapping[int, str],
        vocabulary: Mapping[str, int],
    ) -> list[tuple[int, int]]:
        """Return the trimmed offsets; see :class:`latefind.tokenizer_bytelevel.OffsetTrimmer`."""
        ...


@dataclass(frozen=True, slots=True)
class Template:
    """What an encoding consists of: runs of special token ids, and None where the text's tokens stand."""

    parts: tuple[tuple[int, ...] | None, ...] = (None,)
    trimmers: tuple[Trimmer, ...] = ()

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


def _roberta(fields: Fields) -> Template:
    return Template(_bert(fields).parts, _byte_level(fields).trimmers)


def _byte_level(fields: Fields) -> Template:
    add_prefix_space = fields.flag("add_prefix_space")
    if not fields.flag("trim_offsets"):
        return Template()
    from latefind.tokenizer_bytelevel import OffsetTrimmer

    return Template(trimmers=(OffsetTrimmer(add_prefix_space),))


def _sequence(fields: Fields) -> Template:
    parts: tuple[tuple[int, ...] | None, ...] = (None,)
    trimmers: tuple[Trimmer, ...] = ()
    for item in fields.children("processors"):
        template = build(item, PROCESSORS)
        if template == Template():
            continue
        if parts != (None,):
            item.fail("type", "no further processor after one that adds tokens")
        parts = template.parts
        trimmers += template.trimmers
    return Template(parts, trimmers)


def _bert_id(fields: Fields, name: str) -> int:
    value = fields.raw(name)
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], int):
        fields.fail(name, "a token and its id")
    return value[1]


PROCESSORS: dict[str, Callable[[Fields], Template]] = {
    "BertProcessing": _bert,
    "ByteLevel": _byte_level,
    "RobertaProcessing": _roberta,
    "Sequence": _sequence,
    "TemplateProcessing": _template,
}
"""Post-processors by ``type``; a further one is added here."""

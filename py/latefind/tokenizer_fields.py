"""Checked reading of a ``tokenizer.json``: every error names the file, the path in it, and what was expected.

:class:`Fields` wraps one JSON object; :func:`build` picks a component class by the object's ``type``.
Imports the standard library and the error tree only.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from latefind.errors import TokenizerError

_T = TypeVar("_T")

_MAX_U64 = 2**64 - 1
_POWERS = tuple(float(f"1e{power}") for power in range(20))


class Fields:
    """One JSON object of the file, with the path that leads to it."""

    def __init__(self, value: object, where: str) -> None:
        self.where = where
        if not isinstance(value, dict):
            raise TokenizerError.expected(where, "a JSON object", _shown(value))
        self._data: dict[str, Any] = value

    def raw(self, name: str) -> Any:
        """Return a field as it is; a missing field and null are both None."""
        return self._data.get(name)

    def fail(self, name: str, expected: str, do: str = "") -> NoReturn:
        """Raise the error for a field that is not what it should be."""
        got = _shown(self._data[name]) if name in self._data else "nothing"
        raise TokenizerError.expected(f"{self.where}: {name}", expected, got, do)

    def text(self, name: str) -> str:
        """Return a string field."""
        value = self.raw(name)
        if not isinstance(value, str):
            self.fail(name, "a string")
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a string field, or None where it is null or missing."""
        return None if self.raw(name) is None else self.text(name)

    def flag(self, name: str) -> bool:
        """Return a boolean field."""
        value = self.raw(name)
        if not isinstance(value, bool):
            self.fail(name, "true or false")
        return value

    def optional_flag(self, name: str) -> bool | None:
        """Return a boolean field, or None where it is null or missing."""
        return None if self.raw(name) is None else self.flag(name)

    def integer(self, name: str) -> int:
        """Return a field that is an integer from 0."""
        value = self.raw(name)
        if not _is_id(value):
            self.fail(name, "an integer from 0")
        return int(value)

    def ids(self, name: str) -> list[int]:
        """Return a field that is a list of token ids."""
        value = self.raw(name)
        if not isinstance(value, list) or not all(_is_id(item) for item in value):
            self.fail(name, "a list of token ids")
        return value

    def vocabulary(self, name: str) -> dict[str, int]:
        """Return a field that maps tokens to ids."""
        value = self.raw(name)
        if not isinstance(value, dict) or not value or not all(map(_is_id, value.values())):
            self.fail(name, "an object of token: id, not empty")
        return value

    def child(self, name: str) -> "Fields":
        """Return a field that is an object."""
        return Fields(self.raw(name), f"{self.where}: {name}")

    def children(self, name: str) -> "list[Fields]":
        """Return a field that is a list of objects."""
        value = self.raw(name)
        if not isinstance(value, list):
            self.fail(name, "a list")
        return [Fields(item, f"{self.where}: {name}[{index}]") for index, item in enumerate(value)]


def build(fields: Fields, components: Mapping[str, Callable[[Fields], _T]]) -> _T:
    """Return the component that ``fields`` describes.

    Raises
    ------
    TokenizerError
        Its ``type`` is none of ``components``: reproducing it halfway would give wrong ids silently.
    """
    kind = fields.raw("type")
    if not isinstance(kind, str) or kind not in components:
        fields.fail(
            "type",
            " or ".join(sorted(components)),
            "Choose a model whose tokenizer uses these components.",
        )
    return components[kind](fields)


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _shown(value: object) -> str:
    """Return ``value`` for a message, cut so that a whole vocabulary never ends up in one."""
    text = repr(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def read_float(text: str) -> float:
    """Return the number that the library's JSON reader makes of ``text``.

    It keeps the digits as one integer of 64 bits and scales that by a power of ten, so from 16 digits on it
    may be off by the last bit. Scores of tokens have 17 digits, and that bit decides between equal sums.
    """
    whole, _, fraction = text.partition(".")
    if len(text) <= 20 and fraction.isdigit():
        return int(whole + fraction) / _POWERS[len(fraction)]
    return _read_long_float(text)


def _read_long_float(text: str) -> float:
    """Read a number with an exponent, or of more digits than an integer of 64 bits may hold."""
    mantissa, _, power = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    significand, used = int(whole), 0
    if significand > _MAX_U64:
        return float(text)
    for digit in fraction:
        longer = significand * 10 + int(digit)
        if longer > _MAX_U64:
            break
        significand, used = longer, used + 1
    exponent = int(power or 0) - used
    value = float(significand)
    while exponent < -308 and value:
        value, exponent = value / 1e308, exponent + 308
    if value and exponent > 308:
        return float(text)
    scale = float(f"1e{abs(exponent)}") if value else 1.0
    value = value * scale if exponent >= 0 else value / scale
    return -value if text.startswith("-") else value

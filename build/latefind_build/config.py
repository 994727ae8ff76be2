"""``latefind.toml``: read once, checked completely, then passed around as a frozen value.

A misspelt key is an error, not a default: a setting that silently does nothing is worse than a build that
stops. Paths are relative to the configuration file, so a build does the same from any working directory.
Options on the command line win over the file; that is the command's business, not this module's.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from latefind.errors import LatefindError, UsageError
from latefind_build.pwa import OFFLINE_PAGES, OfflinePages
from latefind_build.settings import BYTES, POOLS

_T = TypeVar("_T")

DEFAULT_SUBDIR = "latefind"
"""Folder below the site's root that receives the search bundle."""


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Pages that stand together in the navigation, in this order; ``title`` may be empty."""

    title: str
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """What ``latefind site`` needs to know beyond the pages themselves.

    Attributes
    ----------
    language : str
        BCP 47 tag for the ``lang`` attribute of every page.
    repository : str or None
        Address of the source repository, linked in the header.
    url : str or None
        Public address of the site's root. Gives canonical links, a sitemap, and a 404 page that finds its
        style sheet when the site lives below a sub-path.
    nav : tuple of NavGroup
        Order of the navigation. Pages that are not named follow, by ``order`` and then by path.
    """

    title: str = "Documentation"
    description: str = ""
    language: str = "en"
    repository: str | None = None
    url: str | None = None
    nav: tuple[NavGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """``latefind.toml``, checked; the defaults are what an empty file means."""

    model: Path | None = None
    base_url: str | None = None
    output_subdir: str = DEFAULT_SUBDIR
    jobs: int | None = None
    bytes: int | Literal["auto"] | None = None
    pool: int | Literal["auto"] | None = None
    exclude: tuple[str, ...] = ()
    pwa: bool | None = None
    offline_pages: OfflinePages = "all"
    site: SiteConfig = field(default_factory=SiteConfig)


def load_config(path: Path | None) -> Config:
    """Read ``path``, or return the defaults where it is None.

    Raises
    ------
    UsageError
        The file is missing or is not TOML, a key is unknown, or a value has the wrong type; the message
        names the file and the key.
    """
    if path is None:
        return Config()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError.expected(path, "a configuration file", "nothing", "Check --config.") from error
    except OSError as error:
        raise UsageError.expected(path, "a readable file", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise UsageError.expected(path, "UTF-8", f"byte {error.object[error.start]:#04x}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError.expected(path, "TOML", f"an error: {error}", "Correct that line.") from error
    return _read_config(_Table(data, path), path)


def _read_config(table: "_Table", path: Path) -> Config:
    model = table.take("model", _text, None)
    config = Config(
        model=None if model is None else (path.parent / model).resolve(),
        base_url=table.take("base_url", _base_url, None),
        output_subdir=table.take("output_subdir", _subdir, DEFAULT_SUBDIR),
        jobs=table.take("jobs", _positive, None),
        bytes=table.take("bytes", _one_of(BYTES), None),
        pool=table.take("pool", _one_of(POOLS), None),
        exclude=table.take("exclude", _texts, ()),
        pwa=table.take("pwa", _boolean, None),
        offline_pages=table.take("offline_pages", _offline_pages, "all"),
        site=_read_site(table.table("site")),
    )
    table.finish()
    return config


def _read_site(table: "_Table") -> SiteConfig:
    default = SiteConfig()
    site = SiteConfig(
        title=table.take("title", _text, default.title),
        description=table.take("description", _text, default.description),
        language=table.take("language", _text, default.language),
        repository=table.take("repository", _address, None),
        url=table.take("url", _root_address, None),
        nav=_read_nav(table),
    )
    table.finish()
    return site


def _read_nav(table: "_Table") -> tuple[NavGroup, ...]:
    """Read ``nav``: either a list of pages, or an array of tables with ``title`` and ``pages``."""
    items = table.take("nav", _list, ())
    if not items:
        return ()
    if all(isinstance(item, str) for item in items):
        return (NavGroup("", items),)
    return tuple(_read_group(group) for group in table.nested("nav", items))


def _read_group(table: "_Table") -> NavGroup:
    group = NavGroup(table.take("title", _text, ""), table.take("pages", _texts, ()))
    table.finish()
    return group


class _Table:
    """One table of the file. Keys are taken out as they are read, so what is left over is unknown."""

    def __init__(self, data: Mapping[str, Any], path: Path, prefix: str = "") -> None:
        self._data = dict(data)
        self._known: list[str] = []
        self._path = path
        self._prefix = prefix

    def take(self, key: str, read: Callable[[object], _T], default: _T) -> _T:
        self._known.append(key)
        if key not in self._data:
            return default
        value = self._data.pop(key)
        try:
            return read(value)
        except ValueError as error:
            raise self._error(key, str(error), _describe(value)) from error

    def table(self, key: str) -> "_Table":
        empty: dict[str, Any] = {}
        value = self.take(key, _mapping, empty)
        return _Table(value, self._path, f"{self._prefix}{key}.")

    def nested(self, key: str, items: Iterable[object]) -> "list[_Table]":
        tables = []
        for number, item in enumerate(items, start=1):
            if not isinstance(item, dict):
                raise self._error(key, "only page names or only [[site.nav]] tables", _describe(item))
            tables.append(_Table(item, self._path, f"{self._prefix}{key}[{number}]."))
        return tables

    def finish(self) -> None:
        for key in self._data:
            known = ", ".join(self._known)
            raise self._error(key, f"one of the keys {known}", "an unknown key", "Check its spelling.")

    def _error(self, key: str, expected: str, got: str, do: str = "Correct the value.") -> LatefindError:
        return UsageError.expected(f"{self._path}: {self._prefix}{key}", expected, got, do)


def _describe(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else repr(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a string that is not empty")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError("a list of strings")
    return tuple(value)


def _list(value: object) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError("a list of pages, or [[site.nav]] tables")
    return tuple(value)


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("a table")
    return value


def _positive(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("a whole number of 1 or more")
    return value


def _one_of(numbers: Sequence[int]) -> Callable[[object], int | Literal["auto"]]:
    def read(value: object) -> int | Literal["auto"]:
        if value == "auto":
            return "auto"
        if not isinstance(value, int) or isinstance(value, bool) or value not in numbers:
            raise ValueError(f'{", ".join(map(str, numbers))} or "auto"')
        return value

    return read


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _offline_pages(value: object) -> OfflinePages:
    for known in OFFLINE_PAGES:
        if value == known:
            return known
    raise ValueError(" or ".join(f'"{known}"' for known in OFFLINE_PAGES))


def _subdir(value: object) -> str:
    text = _text(value).strip("/")
    parts = text.split("/")
    if not text or "\\" in text or any(part in {"", ".", ".."} for part in parts):
        raise ValueError("the name of a folder below the site's root")
    return text


def _address(value: object) -> str:
    text = _text(value)
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("an address that begins with https:// or http://")
    return text


def _root_address(value: object) -> str:
    return _address(value).rstrip("/") + "/"


def _base_url(value: object) -> str:
    text = _text(value)
    if not text.startswith("/"):
        text = _address(value)
    return text.rstrip("/") + "/"

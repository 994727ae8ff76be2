"""What is searched: sections, and the passages that the encoder sees.

A *section* is the unit of a result: the part of a page under one heading, or one record. A *passage* is
the unit of encoding: a window of a section's text that fits the model's document length. A section that
fits is one passage. Both the builder (which makes them) and the browser (which shows them) use these types.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Section:
    """One result: a section of a page, or one record.

    Attributes
    ----------
    id : str
        Unique in an index. For a site: the URL below the site's root, with the anchor.
    url : str
        Where the result links to, relative to the site's root, or absolute; empty where there is none.
    title : str
        The section's own heading, or the record's title; may be empty.
    breadcrumb : sequence of str
        Page title and enclosing headings, outermost first, without ``title`` itself.
    text : str
        Plain text. Blocks (paragraphs, list items, code blocks) are separated by a newline.
    lang : str
        BCP 47 tag, empty where unknown.
    meta : mapping
        JSON values that are carried to the result unchanged.
    filters : mapping of str to sequence of str
        Facets that a query may be restricted to.
    """

    id: str
    url: str
    title: str
    text: str
    breadcrumb: Sequence[str] = ()
    lang: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A window of one section: ``sections[section].text[start:end]``, offsets in code points."""

    section: int
    start: int
    end: int


def context_of(section: Section) -> str:
    """Return what precedes a passage's own text when it is encoded: page title, then the heading.

    Only the outermost breadcrumb and the section's own title are used: every token of the context is
    stored with every passage, and the levels between say little that those two do not.
    """
    outermost = section.breadcrumb[:1]
    return ". ".join(part for part in (*outermost, section.title) if part)


def encoded_text(section: Section, passage: Passage) -> str:
    """Return the text that the encoder sees for ``passage``: its context, then its own text."""
    body = section.text[passage.start : passage.end]
    context = context_of(section)
    return f"{context}. {body}" if context and body else context or body

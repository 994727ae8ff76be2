"""What a visitor without JavaScript gets: a list of every page, for the browser's own find.

A static host cannot answer a query. So the search page says so, lists the pages in its ``<noscript>``, and
links to ``pages.html``, which lists every section of every page. Both are made when the index is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from latefind.passages import Section

MOST_INLINE = 300
"""Pages that the search page lists itself: everybody loads it, and few need them."""

MOST_LISTED = 20_000
"""Lines of ``pages.html``. Beyond it lists pages alone, and beyond that as many pages as this."""

_LINKED = frozenset({"", "http", "https", "mailto"})

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "search": "Search",
        "needs": "This search runs in your browser and needs JavaScript. Without it, look through the list"
        " of pages with your browser's own search in the page.",
        "all": "All pages and sections",
        "pages": "Pages",
        "privacy": "Questions in your own words are answered on this device and sent nowhere.",
    },
    "de": {
        "search": "Suche",
        "needs": "Diese Suche läuft in Ihrem Browser und braucht JavaScript. Ohne JavaScript durchsuchen Sie"
        " die Liste der Seiten mit der Suche Ihres Browsers.",
        "all": "Alle Seiten und Abschnitte",
        "pages": "Seiten",
        "privacy": "Fragen in eigenen Worten werden auf diesem Gerät beantwortet und nirgendwohin gesendet.",
    },
    "es": {
        "search": "Buscar",
        "needs": "Esta búsqueda funciona en su navegador y necesita JavaScript. Sin él, recorra la lista de"
        " páginas con la búsqueda en la página de su navegador.",
        "all": "Todas las páginas y secciones",
        "pages": "Páginas",
        "privacy": "Las preguntas con sus propias palabras se responden en este dispositivo y no se envían.",
    },
    "fr": {
        "search": "Rechercher",
        "needs": "Cette recherche fonctionne dans votre navigateur et a besoin de JavaScript. Sans lui,"
        " parcourez la liste des pages avec la recherche de votre navigateur.",
        "all": "Toutes les pages et sections",
        "pages": "Pages",
        "privacy": "Les questions posées avec vos mots trouvent leur réponse sur cet appareil et ne sont"
        " envoyées nulle part.",
    },
    "it": {
        "search": "Cerca",
        "needs": "Questa ricerca funziona nel browser e ha bisogno di JavaScript. Senza, scorri l'elenco"
        " delle pagine con la ricerca del browser.",
        "all": "Tutte le pagine e le sezioni",
        "pages": "Pagine",
        "privacy": "Le domande con parole tue trovano risposta su questo dispositivo e non vengono inviate.",
    },
    "nl": {
        "search": "Zoeken",
        "needs": "Deze zoekfunctie draait in uw browser en heeft JavaScript nodig. Doorzoek anders de lijst"
        " van pagina's met de zoekfunctie van uw browser.",
        "all": "Alle pagina's en onderdelen",
        "pages": "Pagina's",
        "privacy": "Vragen in eigen woorden worden op dit apparaat beantwoord en nergens heen gestuurd.",
    },
    "pt": {
        "search": "Pesquisar",
        "needs": "Esta pesquisa funciona no seu navegador e precisa de JavaScript. Sem ele, percorra a lista"
        " de páginas com a pesquisa do navegador.",
        "all": "Todas as páginas e secções",
        "pages": "Páginas",
        "privacy": "As perguntas com as suas palavras são respondidas neste dispositivo e não são enviadas.",
    },
}
"""What the two pages say; the element itself has its texts in ``web/strings/``."""


@dataclass(slots=True)
class ListedPage:
    """A page of the site, or a record that has an address: the link and its sections' links."""

    href: str
    title: str
    sections: list[tuple[str, str]] = field(default_factory=list)
    """Of each section the link and the title."""


def texts_for(language: str) -> tuple[str, Mapping[str, str]]:
    """Return what the pages say in ``language``, and in which language that is."""
    main = language.lower().partition("-")[0]
    return (main, TEXTS[main]) if main in TEXTS else ("en", TEXTS["en"])


def list_pages(sections: Iterable[Section], base: str) -> list[ListedPage]:
    """Return the pages of ``sections`` in their order; ``base`` is the prefix of relative URLs.

    Records may hold any URL: one that is no web or mail address is left out.
    """
    pages: dict[str, ListedPage] = {}
    for section in sections:
        if not section.url or urlsplit(section.url).scheme not in _LINKED:
            continue
        href = section.url if urlsplit(section.url).scheme else (base or "./") + section.url
        own = section.title or section.id
        address = href.partition("#")[0]
        page = pages.setdefault(
            address, ListedPage(address, section.breadcrumb[0] if section.breadcrumb else own)
        )
        if "#" in href:
            page.sections.append((href, own))
    return _bounded(list(pages.values()))


def _bounded(pages: list[ListedPage]) -> list[ListedPage]:
    if len(pages) + sum(len(page.sections) for page in pages) <= MOST_LISTED:
        return pages
    return [ListedPage(page.href, page.title) for page in pages[:MOST_LISTED]]

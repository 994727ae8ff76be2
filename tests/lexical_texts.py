"""Sections in seven languages and in scripts without spaces, with names of programs among the words."""

import random
from collections.abc import Iterator

from latefind.passages import Section

SENTENCES = {
    "en": (
        "The gardener waters young plants early in the morning.",
        "Copying files to another disk keeps them when the first one breaks.",
        "Slow bread needs less yeast and a cold night.",
        "Windows that face north get no direct light in winter.",
        "Running the tests again shows which of them failed by chance.",
        "A password that is easily remembered is easily guessed.",
        "Nobody's brother's keys open this door.",
        "Resetting the clock changes what is logged afterwards.",
    ),
    "de": (
        "Die Gärtnerin gießt die jungen Pflanzen früh am Morgen.",
        "Wer Dateien auf eine andere Platte kopiert, behält sie auch nach einem Schaden.",
        "Langsames Brot braucht weniger Hefe und eine kalte Nacht.",
        "Fenster nach Norden bekommen im Winter kein direktes Licht.",
        "Die Prüfungen noch einmal laufen zu lassen zeigt, welche zufällig fehlschlugen.",
        "Ein Kennwort, das man sich leicht merkt, wird leicht erraten.",
        "Größere Häuser haben mehrere Türen und Schlüssel.",
    ),
    "es": (
        "La jardinera riega las plantas jóvenes por la mañana temprano.",
        "Quien copia los archivos en otro disco los conserva después de un daño.",
        "El pan lento necesita menos levadura y una noche fría.",
        "Las ventanas hacia el norte no reciben luz directa en invierno.",
        "Una contraseña fácil de recordar es fácil de adivinar.",
    ),
    "fr": (
        "La jardinière arrose les jeunes plantes tôt le matin.",
        "Celui qui copie ses fichiers sur un autre disque les garde après une panne.",
        "Le pain lent a besoin de moins de levure et d'une nuit froide.",
        "Aujourd'hui l'œuvre de l'été s'achève sans qu'on s'en aperçoive.",
        "Un mot de passe facile à retenir est facile à deviner.",
    ),
    "it": (
        "La giardiniera annaffia le piante giovani la mattina presto.",
        "Chi copia i file su un altro disco li conserva dopo un guasto.",
        "Il pane lento ha bisogno di meno lievito e di una notte fredda.",
        "Un'altra password facile da ricordare è facile da indovinare.",
        "Le finestre dell'abitazione verso nord non ricevono luce diretta.",
    ),
    "nl": (
        "De tuinvrouw geeft de jonge planten vroeg in de ochtend water.",
        "Wie bestanden naar een andere schijf kopieert, houdt ze na een storing.",
        "Langzaam brood heeft minder gist en een koude nacht nodig.",
        "Ramen op het noorden krijgen 's winters geen direct licht.",
        "Een wachtwoord dat je makkelijk onthoudt, wordt makkelijk geraden.",
    ),
    "pt": (
        "A jardineira rega as plantas jovens de manhã cedo.",
        "Quem copia os arquivos para outro disco guarda-os depois de uma avaria.",
        "O pão lento precisa de menos fermento e de uma noite fria.",
        "As janelas viradas a norte não recebem luz direta no inverno.",
        "Uma senha fácil de lembrar é fácil de adivinhar.",
    ),
    "ja": ("朝早く庭に水をやる。", "パスワードは忘れないように。Python 3で書く。"),
}
"""Written for this file."""

NAMES = (
    "os.path.join",
    "--no-cache",
    "C++",
    "HTTPError",
    "snake_case_name",
    "__init__",
    "std::vector",
    "parseHTMLDocument()",
    "@media",
    "node-fetch",
    "utf8Decode",
    "PDFs",
    "$HOME/bin",
    "v2.0.1",
    "IPv6",
    "x->y",
    "foo#bar",
    "-x",
)


def make_sections(seed: int = 1, each: int = 40) -> list[Section]:
    """Return ``each`` sections a language, a few sentences and names long."""
    draw = random.Random(seed)
    sections = []
    for lang, sentences in SENTENCES.items():
        for number in range(each):
            texts = [draw.choice(sentences) for _ in range(draw.randrange(1, 6))]
            texts.insert(draw.randrange(len(texts)), " ".join(draw.sample(NAMES, draw.randrange(3))))
            words = draw.choice(sentences).rstrip(".。").split()
            title = draw.choice(
                [" ".join(words[:3]), draw.choice(NAMES), f"{draw.choice(NAMES)} ({words[-1]})"]
            )
            sections.append(
                Section(
                    id=f"{lang}-{number}",
                    url=f"{lang}/{number // 4}/#s{number}" if number % 3 else "",
                    title=title,
                    breadcrumb=("Home", lang.upper()),
                    text="\n".join(texts),
                    lang=lang if number % 5 else "",
                    meta={"number": number} if number % 7 == 0 else {},
                    filters={"lang": (lang,), "kind": ("odd",) if number % 2 else ("even", "all")},
                )
            )
    draw.shuffle(sections)
    return sections


def make_queries(
    sections: list[Section], seed: int = 2, count: int = 240
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield queries and options: sentences, with typing errors, half typed, names, titles, filters."""
    draw = random.Random(seed)
    languages = list(SENTENCES)
    for number in range(count):
        lang = languages[number % len(languages)]
        text = draw.choice(SENTENCES[lang])
        options: dict[str, object] = {"lang": draw.choice([lang, f"{lang.upper()}-XX", "", "xx"])}
        match number // len(languages) % 8:
            case 0:
                text = " ".join(draw.sample(text.split(), min(4, len(text.split()))))
            case 1:
                text = mistype(text, draw)
            case 2:
                text, options["typing"] = text[: draw.randrange(1, len(text))], True
            case 3:
                text = draw.choice(NAMES)
            case 4:
                text = f"{draw.choice(NAMES)} {text.split()[0]} {draw.choice(NAMES)}"
            case 5:
                text = draw.choice(sections).title
            case 6:
                values = draw.sample([*languages, "xx"], 3)
                options["filters"] = {
                    "lang": values,
                    "kind": draw.choice([["odd"], ["even", "all"], ["none"]]),
                }
            case 7:
                words = [word for word in text.split() if len(word) > 3] or [text]
                text, options["typing"] = draw.choice(words)[: draw.randrange(1, 8)], True
        yield text, options


def mistype(text: str, draw: random.Random) -> str:
    """Return ``text`` with one letter of one word left out, added, replaced or swapped with its neighbour."""
    words = text.split()
    place = draw.randrange(len(words))
    word = words[place]
    at = draw.randrange(max(1, len(word) - 1))
    letter = draw.choice("abcdefghijklmnopqrstuvwxyzäéñ")
    words[place] = draw.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
        ]
    )
    return " ".join(words)

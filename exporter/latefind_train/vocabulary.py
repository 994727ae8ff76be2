"""Another vocabulary for the same model: pieces that documentation does not use go, new ones come.

Most of bert-base-uncased's pieces are English words, names and other scripts. What a language lacks is cut
into many small pieces, each of which gets a vector that is stored and scored; what no visitor types is
downloaded all the same. Pieces are kept by how often the seven languages need them, each language with the
same weight, and new ones come from a WordPiece trained on the words of the other six.
"""

import json
import lzma
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from latefind_train.wordpiece import CONTINUES

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PREFIXES = ("[Q] ", "[D] ")

SCALED = 1_000_000
"""Words that each language counts for, so that the largest does not decide."""

TRAINED = 30_000
"""Pieces that the new WordPiece is trained to; the best of those that are not there yet are taken."""

LONGEST_WORD = 100
"""Characters; what is longer, WordPiece does not cut but makes unknown."""

Weights = Mapping[str, float]


@dataclass(frozen=True)
class Vocabulary:
    """A new list of pieces, and the pieces of the old list whose mean each one starts from."""

    pieces: Sequence[str]
    origins: Sequence[Sequence[int]]


def read_words(path: Path, tokenizer: Tokenizer) -> dict[str, Weights]:
    """Return how often each language uses each word as the tokenizer sees it, scaled to the same sum."""
    found: dict[str, Weights] = {}
    for language, counts in json.loads(lzma.decompress(path.read_bytes())).items():
        words: Counter[str] = Counter()
        for raw, count in counts.items():
            normal = tokenizer.normalizer.normalize_str(raw)
            for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal):
                words[word] += count
        factor = SCALED / words.total()
        found[language] = {word: count * factor for word, count in words.items()}
    return found


def cut(word: str, known: Mapping[str, int], continues: bool = False) -> list[int] | None:
    """Return the pieces of a word, each as long as possible, as WordPiece does; None for an unknown one."""
    found = []
    start = 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = word[start:end] if start == 0 and not continues else CONTINUES + word[start:end]
            if piece in known:
                found.append(known[piece])
                start = end
                break
        else:
            return None
    return found


def piece_weights(words: Mapping[str, Weights], known: Mapping[str, int]) -> Counter[str]:
    """Return how often each piece is needed, over all languages."""
    names = {number: piece for piece, number in known.items()}
    found: Counter[str] = Counter()
    for counts in words.values():
        for word, weight in counts.items():
            for number in (cut(word, known) or ()) if len(word) <= LONGEST_WORD else ():
                found[names[number]] += weight  # type: ignore[assignment]
    return found


def change_vocabulary(
    old: Mapping[str, int], words: Mapping[str, Weights], keep: int | None, add: int
) -> Vocabulary:
    """Return a vocabulary with the ``keep`` most needed pieces of ``old`` and ``add`` new ones.

    None keeps all, at their places. Single Latin and Greek characters and signs are kept beyond ``keep``, so
    that no word of them becomes unknown.
    """
    ordered = sorted(old, key=lambda piece: old[piece])  # the tokenizers library gives them in any order
    if keep is None and add == 0:
        return _with_prefixes(ordered, [[number] for number in range(len(ordered))], len(ordered))
    needed = piece_weights(words, old)
    best = sorted(set(needed) - set(SPECIAL), key=lambda piece: (-needed[piece], old[piece]))
    # What no frequent word needs comes after that in the old order, which is nearly that of English: rare
    # words of a subject that the training text lacks stay whole longer.
    best += [piece for piece in ordered if _is_readable(piece, needed)]
    characters = {piece for piece in old if len(piece.removeprefix(CONTINUES)) == 1 and _is_common(piece)}
    kept = set(best[:keep]) | characters
    pieces = [*SPECIAL, *(piece for piece in ordered if piece in kept)]
    new = _new_pieces(old, words, set(pieces), add) if add else []
    origins = [[old[piece]] for piece in pieces]
    for piece in new:
        continues = piece.startswith(CONTINUES)
        origins.append(cut(piece.removeprefix(CONTINUES), old, continues) or [old["[UNK]"]])
    return _with_prefixes([*pieces, *new], origins, len(old))


def _is_common(piece: str) -> bool:
    """Return whether a single character is Latin or Greek, a digit, or a sign of texts in these."""
    code = ord(piece.removeprefix(CONTINUES))
    return code < 0x400 or 0x2000 <= code < 0x2300


def _is_readable(piece: str, needed: Mapping[str, float]) -> bool:
    """Return whether a piece that is not ``needed`` is of Latin letters and digits, and no special token."""
    text = piece.removeprefix(CONTINUES)
    return piece not in needed and not piece.startswith("[") and all(ord(c) < 0x250 for c in text)


def _with_prefixes(pieces: list[str], origins: list[list[int]], count: int) -> Vocabulary:
    """Add the tokens that mark queries and documents; they start from the mean of all pieces."""
    return Vocabulary([*pieces, *PREFIXES], [*origins, *[list(range(count)) for _ in PREFIXES]])


def _new_pieces(
    old: Mapping[str, int], words: Mapping[str, Weights], kept: set[str], count: int
) -> list[str]:
    """Return the ``count`` pieces that save the other languages most, best first."""
    others = {language: counts for language, counts in words.items() if language != "en"}
    trained = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106  # not a password
    trained.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(
        vocab_size=TRAINED,
        special_tokens=["[UNK]"],
        limit_alphabet=200,
        min_frequency=20,
        show_progress=False,
    )
    trained.train_from_iterator(_repeat(others), trainer)
    known = trained.get_vocab()
    used = piece_weights(others, known)
    saved: dict[str, float] = {}
    for piece, weight in used.items():
        if piece in kept or piece == "[UNK]":
            continue
        before = cut(piece.removeprefix(CONTINUES), old, piece.startswith(CONTINUES))
        if before is not None and len(before) > 1:
            saved[piece] = weight * (len(before) - 1)
        elif before is not None:  # an old piece that was not kept
            saved[piece] = weight
    return sorted(saved, key=lambda piece: (-saved[piece], piece))[:count]


def _repeat(words: Mapping[str, Weights]) -> Iterator[str]:
    """Yield each word as often as it weighs, a thousand at a time."""
    for counts in words.values():
        for word, weight in sorted(counts.items()):
            if word.isalpha() and len(word) <= LONGEST_WORD:
                times = int(weight)
                while times > 0:
                    yield " ".join([word] * min(times, 1000))
                    times -= 1000


def change_tokenizer(content: dict[str, Any], vocabulary: Vocabulary) -> dict[str, Any]:
    """Return ``tokenizer.json`` with the new pieces, and the prefixes as tokens of their own."""
    numbers = {piece: number for number, piece in enumerate(vocabulary.pieces)}
    changed: dict[str, Any] = json.loads(json.dumps(content))
    changed["truncation"] = changed["padding"] = None
    changed["model"]["vocab"] = {piece: n for piece, n in numbers.items() if piece not in PREFIXES}
    changed["added_tokens"] = [
        token | {"id": numbers[token["content"]]} for token in content["added_tokens"]
    ] + [_added(prefix, numbers[prefix]) for prefix in PREFIXES]
    changed["added_tokens"].sort(key=lambda token: token["id"])
    for name, token in changed["post_processor"].get("special_tokens", {}).items():
        token["ids"] = [numbers[name]]
    return changed


def _added(content: str, number: int) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return {"id": number, "content": content, **flags}


def change_table(table: npt.NDArray[np.float32], vocabulary: Vocabulary) -> npt.NDArray[np.float32]:
    """Return the word embeddings of the new pieces (pieces, width): the means of those they start from."""
    return np.stack([table[list(origin)].mean(axis=0) for origin in vocabulary.origins]).astype(np.float32)

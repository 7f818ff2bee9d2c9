"""Whether two names can be one person's, however each is written. In doubt they cannot."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Accord(Enum):
    """``ABSENT``: one of them says nothing. ``IDENTICAL``: the same words, but for how they are written.
    ``COMPATIBLE``: first and last word are the same and nothing between them, or after, speaks against it."""

    ABSENT = "absent"
    IDENTICAL = "identical"
    COMPATIBLE = "compatible"
    CLASH = "clash"


@dataclass(frozen=True, slots=True)
class PersonName:
    """``words`` from the given to the family name. ``generation``: Jr. and Sr. are two people.
    ``mister``: what the title says about it, for Mr. and Mrs. Smith are two people. ``several``: it names
    more than one person."""

    words: tuple[str, ...]
    generation: str = ""
    mister: bool | None = None
    several: bool = False

    @property
    def complete(self) -> bool:
        """A given and a family name, neither of them a mere initial."""
        if _is_cjk(self.words):
            return len("".join(self.words)) > 1
        return len(self.words) > 1 and len(self.words[0]) > 1 and len(self.words[-1]) > 1


# Only what is nobody's name: a title that is also one (Ing, Hon, Lord) is left where it stands.
_MEN = {"mr", "mister", "sir", "herr", "hr", "monsieur", "senor", "signor"}
_WOMEN = {"mrs", "ms", "miss", "frau", "mme", "mlle", "madame", "senora", "sra", "srta", "signora"}
_TITLES = _MEN | _WOMEN | {"mx", "dr", "prof", "professor", "rev", "dipl-ing"}
_GENERATIONS = {
    **dict.fromkeys(("jr", "jnr", "junior"), "jr"),
    **dict.fromkeys(("sr", "snr", "senior"), "sr"),
    **{numeral: numeral for numeral in ("ii", "iii", "iv")},
}
_DEGREES = {"phd", "md", "mba", "esq", "dds", "cpa", "msc", "bsc"}
_AND = {"and", "und", "et"}
_SIGNS_FOR_AND = re.compile(r"[&+]")
# Accents over Latin, Greek and Cyrillic letters. Marks of other scripts make other letters of them.
_ACCENTS = re.compile("[\u0300-\u036f]")
_NOT_COMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"}
)
_WITHIN_WORDS = re.compile("['’‘ʼ`´]")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003ffff]")


def accord(left: str, right: str) -> Accord:
    """How two names go together."""
    mine, theirs = read(left), read(right)
    if not mine.words or not theirs.words:
        return Accord.ABSENT
    if _contradict(mine, theirs):
        return Accord.CLASH
    if mine.words == theirs.words:
        return Accord.IDENTICAL if mine.generation == theirs.generation else Accord.COMPATIBLE
    alike = _alike_cjk if _is_cjk(mine.words) or _is_cjk(theirs.words) else _alike
    return Accord.COMPATIBLE if alike(mine.words, theirs.words) else Accord.CLASH


def read(text: str) -> PersonName:
    """The name that a text says, whichever order and however decorated it is."""
    parts = [found for part in folded(text).split(",") if (found := part.split())]
    mister, behind = _title(parts), []
    while len(parts) > 1 and all(map(_is_suffix, parts[-1])):
        behind += parts.pop()
    spoken = [*parts[1], *parts[0]] if len(parts) == 2 else [word for part in parts for word in part]
    while len(spoken) > 1 and _bare(spoken[0]) in _TITLES:
        spoken = spoken[1:]
    while len(spoken) > 1 and _is_suffix(spoken[-1]):
        behind.append(spoken.pop())
    generation = next((_GENERATIONS[_bare(word)] for word in behind if _bare(word) in _GENERATIONS), "")
    words = [word for part in spoken for word in letters_of(part)]
    return PersonName(tuple(words), generation, mister, several=any(word in _AND for word in words))


def generation_in(text: str) -> str:
    """Jr., Sr., II … in a suffix that may hold degrees as well."""
    words = (_bare(word) for word in folded(text).replace(",", " ").split())
    return next((word for word in words if word in _GENERATIONS), "")


def folded(text: str) -> str:
    """Without the differences of case, accent and width."""
    wide = unicodedata.normalize("NFKC", text).casefold().translate(_NOT_COMPOSED)
    plain = "".join(_ACCENTS.sub("", unicodedata.normalize("NFD", letter)) for letter in wide)
    return unicodedata.normalize("NFC", _SIGNS_FOR_AND.sub(" and ", plain))


def letters_of(text: str) -> list[str]:
    """The words of a folded text without its punctuation; an apostrophe divides no word."""
    joined = _WITHIN_WORDS.sub("", text)
    return "".join(" " if unicodedata.category(c)[0] in "PSZC" else c for c in joined).split()


def _title(parts: Sequence[Sequence[str]]) -> bool | None:
    """Whether it is a man's title or a woman's, if it is either; it leads the name or the given names."""
    leading = {_bare(part[0]) for part in parts}
    if leading & _MEN:
        return True
    return False if leading & _WOMEN else None


def _is_suffix(word: str) -> bool:
    return _bare(word) in _GENERATIONS or _bare(word) in _DEGREES


def _bare(word: str) -> str:
    return word.replace(".", "")


def _contradict(mine: PersonName, theirs: PersonName) -> bool:
    generations = mine.generation and theirs.generation and mine.generation != theirs.generation
    titles = mine.mister is not None and theirs.mister is not None and mine.mister != theirs.mister
    couples = (mine.several or theirs.several) and mine.words != theirs.words
    return bool(generations or titles or couples)


def _alike(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """The same given and family name; one of them may say more, or say it in full, of what is between."""
    if min(len(mine), len(theirs)) < 2 or len(mine[0]) < 2:
        return False
    if (mine[0], mine[-1]) != (theirs[0], theirs[-1]):
        return False
    fewer, more = sorted((mine[1:-1], theirs[1:-1]), key=len)
    return _within(fewer, more)


def _within(fewer: Sequence[str], more: Sequence[str]) -> bool:
    """Each of the fewer stands, in order, among the others, as a word or as its initial."""
    rest = iter(more)
    return all(any(_same_or_initial(word, other) for other in rest) for word in fewer)


def _same_or_initial(word: str, other: str) -> bool:
    return word == other or (min(len(word), len(other)) == 1 and word[0] == other[0])


def _is_cjk(words: Sequence[str]) -> bool:
    return bool(_CJK.search("".join(words)))


def _alike_cjk(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Chinese, Japanese and Korean names: with a blank or without, family name first or last."""
    return bool(_orders(mine) & _orders(theirs))


def _orders(words: Sequence[str]) -> set[str]:
    orders = {"".join(words)}
    return orders | {"".join(reversed(words))} if len(words) == 2 else orders

"""Who is the same person (CONT-9): by e-mail, then by name and company; what is not certain is asked.

Two people are never made one. So an address alone proves nothing where the names speak against it (families
and reception desks share one), and a name alone proves nothing at all. Who owns a row does not tell who it is
about, so it decides nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from shared.model.personal import DynamicsRecord, ExchangeItem, Match
from shared.model.values import Side, Values
from shared.rules.contact_names import EMAILS, full_name
from shared.rules.person_names import Accord, accord, folded, generation_in, letters_of, read


class Verdict(Enum):
    SAME = "same"
    UNSURE = "unsure"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Choice:
    """``match``: whom to link with. ``ask``: those among whom a person has to choose. Neither: it is new."""

    match: Match | None = None
    ask: tuple[Match, ...] = ()


def same_person(left: Match, right: Match) -> Verdict:
    """Whether two contacts, which no link joins, are about one person."""
    if _emails(left) & _emails(right):
        return Verdict.UNSURE if accord(left.name, right.name) is Accord.CLASH else Verdict.SAME
    return _by_name_and_company(left, right)


def _by_name_and_company(left: Match, right: Match) -> Verdict:
    """Without a common address only the same full name counts, and it needs the same company: a name that is
    merely compatible is asked about at most. A name without a company is asked about if nothing else is known
    against it."""
    names, companies = accord(left.name, right.name), _companies(left.company, right.company)
    addresses_differ = bool(_emails(left) and _emails(right))
    if companies is Accord.CLASH or names not in (Accord.IDENTICAL, Accord.COMPATIBLE):
        return Verdict.DIFFERENT
    complete = read(left.name).complete and read(right.name).complete
    if companies is Accord.IDENTICAL:
        certain = names is Accord.IDENTICAL and complete and not addresses_differ
        return Verdict.SAME if certain else Verdict.UNSURE
    if names is Accord.IDENTICAL and complete and not addresses_differ:
        return Verdict.UNSURE
    return Verdict.DIFFERENT


def choose(me: Match, others: Sequence[Match]) -> Choice:
    """The one whom ``me`` is to be linked with. One that is linked already is never chosen: if only such a
    one is the same person, ``me`` is a second contact of that person."""
    candidates = {(other.side, other.id): other for other in others}
    verdicts = [(other, same_person(me, other)) for other in candidates.values()]
    same = [other for other, verdict in verdicts if verdict is Verdict.SAME]
    unsure = [other for other, verdict in verdicts if verdict is Verdict.UNSURE]
    free = tuple(other for other in same if not other.linked)
    if same and not free:
        return Choice()
    if len(same) == 1 and not _shared_address_only(me, same[0], unsure):
        return Choice(match=same[0])
    if len(same) > 1:
        return Choice(ask=free)
    return Choice(ask=(*free, *(other for other in unsure if not other.linked)))


def _shared_address_only(me: Match, match: Match, unsure: Sequence[Match]) -> bool:
    """Nothing but an address speaks for the match, as one of the two has no name, and somebody else uses that
    address too."""
    common = _emails(me) & _emails(match)
    nameless = accord(me.name, match.name) is Accord.ABSENT
    return nameless and any(common & _emails(other) for other in unsure)


# --- from contacts and rows -------------------------------------------------------------------------


def as_match(item: ExchangeItem, linked: bool = False) -> Match:
    """An Exchange contact as a candidate. One without any part of a name goes by its display name, unless
    Exchange made that of the company or an address."""
    emails, company = _emails_of(item.values), _said(item.values, "company")
    name = _name_of(item.values) or _chosen_name(item, emails, company)
    return Match(
        side=Side.EXCHANGE,
        id=item.id,
        label=_label(item.display_name or name, emails, company),
        emails=emails,
        name=name,
        company=company,
        linked=linked,
    )


def as_match_of(record: DynamicsRecord, *, user: str = "", linked: bool = False) -> Match:
    """A row as a candidate for the mailbox of this user (a systemuserid)."""
    emails, company = _emails_of(record.values), _said(record.values, "company")
    name = _name_of(record.values) or record.name
    owner = record.owner
    return Match(
        side=Side.DYNAMICS,
        id=record.id,
        label=_label(record.name or name, emails, company),
        emails=emails,
        name=name,
        company=company,
        linked=linked,
        owned=bool(user and owner and owner.table == "systemuser" and owner.id == user.lower()),
    )


def _name_of(values: Values) -> str:
    """The name with what tells father from son, and with a title that stands for a given name."""
    spoken = full_name(values)
    parts = values.get("name")
    if not spoken or not isinstance(parts, Mapping):
        return ""
    title = "" if parts.get("givenName") else str(parts.get("title") or "")
    generation = generation_in(str(parts.get("generation") or ""))
    return " ".join(word for word in (title, spoken, generation) if word)


def _chosen_name(item: ExchangeItem, emails: frozenset[str], company: str) -> str:
    shown = item.display_name.strip()
    made = {company.casefold(), *emails, *(name.strip().casefold() for name in item.email_names.values())}
    return "" if shown.casefold() in made else shown


def _label(name: str, emails: frozenset[str], company: str) -> str:
    known = [text for text in (company, *sorted(emails)[:1]) if text and text != name]
    shown = name or "(no name)"
    return f"{shown} ({', '.join(known)})" if known else shown


def _emails_of(values: Values) -> frozenset[str]:
    return _normal(_said(values, field) for field in EMAILS)


def _emails(match: Match) -> frozenset[str]:
    return _normal(match.emails)


def _normal(emails: Iterable[str]) -> frozenset[str]:
    return frozenset(email.strip().lower() for email in emails if email.strip())


def _said(values: Values, field: str) -> str:
    return str(values.get(field) or "").strip()


# --- companies --------------------------------------------------------------------------------------

_LEGAL_FORMS = frozenset(
    {
        "inc",
        "incorporated",
        "ltd",
        "limited",
        "llc",
        "llp",
        "lp",
        "plc",
        "corp",
        "corporation",
        "co",
        "company",
    }
    | {
        "gmbh",
        "mbh",
        "ag",
        "kg",
        "ohg",
        "ug",
        "se",
        "sa",
        "sas",
        "sarl",
        "srl",
        "spa",
        "bv",
        "nv",
        "ab",
        "as",
    }
    | {"asa", "oy", "oyj", "aps", "pty", "pte", "kk", "ltda", "and"}
)


def _companies(left: str, right: str) -> Accord:
    """``COMPATIBLE``: but for a legal form that one of them leaves out. Two forms are two companies."""
    mine, theirs = _company_words(left), _company_words(right)
    if not mine or not theirs:
        return Accord.ABSENT
    if mine == theirs:
        return Accord.IDENTICAL
    return Accord.COMPATIBLE if _bare(mine) == theirs or mine == _bare(theirs) else Accord.CLASH


def _company_words(company: str) -> list[str]:
    return letters_of(folded(company).replace(".", ""))


def _bare(words: list[str]) -> list[str]:
    kept = list(words)
    while len(kept) > 1 and kept[-1] in _LEGAL_FORMS:
        kept.pop()
    return kept

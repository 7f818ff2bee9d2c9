"""What a contact has to say before one is made of it in Dynamics (SET-22, CONT-8)."""

from __future__ import annotations

import re

from shared.model.decision import Skip
from shared.model.values import Values
from shared.rules.contact_names import EMAILS, full_name
from shared.rules.skips import Reason

_LABEL = r"[^\W_](?:[^\W_]|-)*"
_EMAIL = re.compile(
    rf"(?:[^\s@\"(),:;<>\[\]\\]+|\"[^\"]+\")@(?:{_LABEL}(?:\.{_LABEL})+|\[[0-9a-f.:]+\])", re.IGNORECASE
)


def problems(values: Values) -> list[Skip]:
    """Why no contact is made of these values; each says what a person can do about it."""
    emails = {field: str(values.get(field) or "").strip() for field in EMAILS}
    company = str(values.get("company") or "").strip()
    found = []
    if not (full_name(values) or company or any(emails.values())):
        found.append(Reason.UNNAMED.skip())
    found += [
        Reason.NO_EMAIL_ADDRESS.skip(detail=f"“{_short(email)}”", fields=(field,))
        for field, email in emails.items()
        if email and not looks_like_email(email)
    ]
    return found


def looks_like_email(text: str) -> bool:
    """One address with a domain. Exchange's own way of naming its users (``/o=…``) is none."""
    local = text.rpartition("@")[0]
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    return bool(_EMAIL.fullmatch(text)) and (not dots or local.startswith('"'))


def _short(text: str, longest: int = 60) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"

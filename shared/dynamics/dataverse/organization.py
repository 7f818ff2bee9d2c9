"""The organization's id and its OrgDbOrgSettings (SET): one flat XML string, read strictly."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from xml.etree import ElementTree

from shared.clock import Now
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.messages import Json
from shared.dynamics.dataverse.odata import address
from shared.errors import ProfileBroken
from shared.model.attachment import DEFAULT_LARGEST, FileLimits
from shared.model.organization import Expansion, Organization
from shared.model.organization_settings import RICH_BODIES

Settings = dict[str, bool | int | str]

_NUMBER = re.compile(r"-?\d{1,18}")
ROOT = "OrgSettings"
COLUMNS = (
    "organizationid,orgdborgsettings,blockedattachments,maxuploadfilesize,pastexpansionwindow,"
    f"futureexpansionwindow,{RICH_BODIES}"
)


SHARED = timedelta(minutes=1)
"""Asked for in each pass, the settings would be half of what a change in Exchange costs. Who changes one
waits for so long, or has a mailbox compared (``sync now``), for which they are read anew."""


class SharedOrganization:
    """The organization as it was read at most ``shared_for`` ago, for all passes of this process."""

    def __init__(self, client: Client, now: Now, shared_for: timedelta = SHARED) -> None:
        self._client = client
        self._now = now
        self._shared_for = shared_for
        self._read: tuple[datetime, Organization] | None = None

    async def get(self, *, shared: bool) -> Organization:
        began, known = self._now(), self._read
        if shared and known is not None and timedelta() <= began - known[0] < self._shared_for:
            return known[1]
        read = await organization(self._client)
        self._read = (began, read)
        return read


async def organization(client: Client) -> Organization:
    path = address("organizations", select=COLUMNS)
    rows = await client.rows(path, as_user=None, organization_wide=True)
    if not rows:
        raise ProfileBroken("the application sees no organization")
    row = rows[0]
    settings = settings_of(row.get("orgdborgsettings"))
    if row.get(RICH_BODIES):
        settings[RICH_BODIES] = True
    return Organization(
        str(row["organizationid"]).lower(), settings, _files(row), _expansion(row), client.url
    )


def _expansion(row: Json) -> Expansion:
    """In months; an organization that does not say has the product's."""
    past, future = row.get("pastexpansionwindow"), row.get("futureexpansionwindow")
    usual = Expansion()
    return Expansion(
        usual.past_months if past is None else int(past),
        usual.future_months if future is None else int(future),
    )


def _files(row: Json) -> FileLimits:
    """What files the organization takes (EMI-22)."""
    extensions = str(row.get("blockedattachments") or "").casefold().split(";")
    blocked = frozenset(text.strip().lstrip(".") for text in extensions) - {""}
    largest = row.get("maxuploadfilesize")
    return FileLimits(DEFAULT_LARGEST if largest is None else int(largest), blocked)


def settings_of(text: str | None) -> Settings:
    """Absent settings are left out: they have their default. Declarations (entities, document types) have
    no place in this text and are refused before a parser sees them."""
    if not text or not text.strip():
        return {}
    try:
        if "<!" in text:
            raise ValueError("a declaration")
        root = ElementTree.fromstring(text)  # noqa: S314 - no declarations, so no entities
        if root.tag != ROOT or any(len(child) for child in root):
            raise ValueError("not a flat list of settings")
    except (ElementTree.ParseError, ValueError):
        raise ProfileBroken("the organization's settings (orgdborgsettings) cannot be read") from None
    return {child.tag: _value(child.text or "") for child in root}


def _value(text: str) -> bool | int | str:
    text = text.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if _NUMBER.fullmatch(text) else text

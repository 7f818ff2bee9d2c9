"""Rows of an organizer or another party, by FetchXML: OData cannot ask for the parties of an activity and
page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from shared.dynamics.dataverse.activities import Activity
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.messages import Json
from shared.dynamics.dataverse.odata import LOGICAL_NAME, address, guid, instant, with_annotations
from shared.engine.ports import Window
from shared.model.appointment import InstanceType
from shared.model.party import ParticipationType

MORE = "Microsoft.Dynamics.CRM.morerecords"
PAGE = 5000


@dataclass(frozen=True, slots=True)
class Organized:
    """``conditions``: FetchXML that all must hold; ``columns`` come besides the id; ``roles``: as what the
    user takes part."""

    kind: Activity
    user_id: str
    columns: Sequence[str]
    conditions: str
    roles: Sequence[ParticipationType] = (ParticipationType.ORGANIZER,)

    def page(self, number: int) -> str:
        columns = "".join(f'<attribute name="{column}"/>' for column in ("activityid", *self.columns))
        role = any_of(*(condition("participationtypemask", "eq", str(int(role))) for role in self.roles))
        return (
            f'<fetch count="{PAGE}" page="{number}"><entity name="{self.kind.table}">{columns}'
            f'<order attribute="activityid"/><filter>{self.conditions}</filter>'
            '<link-entity name="activityparty" from="activityid" to="activityid" link-type="inner" '
            f'alias="party"><filter>{role}{condition("partyid", "eq", guid(self.user_id))}</filter>'
            "</link-entity></entity></fetch>"
        )


async def organized_rows(client: Client, query: Organized, as_user: str | None) -> list[Json]:
    """Pages by number: with the order by id that is stable, and a user's window is far below its limit of
    50,000 rows."""
    found: dict[str, Json] = {}
    page = 1
    while True:
        path = address(query.kind.entity_set, fetchXml=query.page(page))
        body = await client.read(path, as_user=as_user, prefer=with_annotations(LOGICAL_NAME, MORE))
        rows = body.get("value") or ()
        found |= {str(row["activityid"]).lower(): row for row in rows}
        if not body.get(f"@{MORE}", len(rows) == PAGE):
            return list(found.values())
        page += 1


def condition(column: str, operator: str, value: str | None = None) -> str:
    given = "" if value is None else f" value={quoteattr(value)}"
    return f'<condition attribute="{column}" operator="{operator}"{given}/>'


def any_of(*conditions: str) -> str:
    return f'<filter type="or">{"".join(conditions)}</filter>'


def of_types(*types: InstanceType) -> str:
    return any_of(*(condition("instancetypecode", "eq", str(int(kind))) for kind in types))


def overlaps(window: Window) -> str:
    started = condition("scheduledstart", "lt", instant(window.end))
    return started + condition("scheduledend", "gt", instant(window.start))

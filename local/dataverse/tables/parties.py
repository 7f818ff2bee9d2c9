"""The people and things of activities: one row for each, whatever the activity. Another activity is one
more table in ``ACTIVITIES``."""

from __future__ import annotations

from local.dataverse.schema import (
    EVERY_WRITE,
    Column,
    Table,
    integers,
    lookup,
    picklist,
    plain,
    read_only,
    strings,
)
from local.dataverse.tables.activities import APPOINTMENT, INSTANCE_TYPES
from local.dataverse.tables.common import primary_key
from local.dataverse.tables.recurring import RECURRING_APPOINTMENT
from local.dataverse.tables.services import SERVICE_APPOINTMENT
from local.dataverse.tables.tasks import TASK_LIKE

PARTICIPATION_TYPES = {
    1: "Sender",
    2: "To Recipient",
    3: "CC Recipient",
    4: "BCC Recipient",
    5: "Required attendee",
    6: "Optional attendee",
    7: "Organizer",
    8: "Regarding",
    9: "Owner",
    10: "Resource",
    11: "Customer",
}
ACTIVITIES = (APPOINTMENT, RECURRING_APPOINTMENT, SERVICE_APPOINTMENT, *TASK_LIKE)
PARTY_TABLES = ("systemuser", "contact", "account", "queue", "equipment")

ACTIVITY_PARTY = Table(
    name="activityparty",
    entity_set="activityparties",
    primary_id="activitypartyid",
    primary_name="addressused",
    label="Activity Party",
    type_code=135,
    kind="party",
    parent_column="activityid",
    refused=EVERY_WRITE,
    columns=(
        *primary_key("activitypartyid"),
        lookup(
            "activityid",
            *((f"activityid_{activity.name}", activity.name) for activity in ACTIVITIES),
            indexed=True,
        ),
        lookup("partyid", *((f"partyid_{table}", table) for table in PARTY_TABLES), indexed=True),
        picklist("participationtypemask", PARTICIPATION_TYPES),
        *strings(addressused=320, unresolvedpartyname=200, exchangeentryid=1024),
        *plain("boolean", "ispartydeleted", default=False),
        *plain("boolean", "donotemail", "donotphone", "donotfax", "donotpostalmail"),
        *plain("datetime", "scheduledstart", "scheduledend"),
        Column("effort", "double", minimum=0, maximum=1_000_000_000),
        picklist("instancetypecode", INSTANCE_TYPES, default=0),
        *read_only(lookup("ownerid")),
        *read_only(*integers("addressusedemailcolumnnumber", minimum=1)),
        *read_only(*plain("bigint", "versionnumber")),
    ),
)

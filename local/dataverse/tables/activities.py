"""Activities: the base that all share, and the appointment."""

from __future__ import annotations

from local.dataverse.schema import (
    Collection,
    Column,
    PartyRules,
    Table,
    integers,
    lookup,
    memos,
    picklist,
    plain,
    read_only,
    states,
    strings,
)
from local.dataverse.tables.common import audit_columns, owner_columns, primary_key

INSTANCE_TYPES = {
    0: "Not Recurring",
    1: "Recurring Master",
    2: "Recurring Instance",
    3: "Recurring Exception",
    4: "Recurring Future Exception",
}
REGARDING_TABLES = ("contact", "account")
# Equipment may attend where service scheduling is installed, as it is here.
ATTENDEES = frozenset({"systemuser", "contact", "account", "queue", "equipment"})
MEETING_STATES = states(
    {0: "Open", 1: "Completed", 2: "Canceled", 3: "Scheduled"},
    (
        (1, "Free", 0),
        (2, "Tentative", 0),
        (3, "Completed", 1),
        (4, "Canceled", 2),
        (5, "Busy", 3),
        (6, "Out of Office", 3),
    ),
)
MEETING_STATE_DEFAULTS = {0: 1, 1: 3, 2: 4, 3: 5}


def activity_columns(table: str, description: int) -> tuple[Column, ...]:
    """The columns of the activity base; look-ups also carry their per-table navigation names."""
    regarding = (
        (name, target)
        for target in REGARDING_TABLES
        for name in (f"regardingobjectid_{target}_{table}", f"regardingobjectid_{target}")
    )
    return (
        *primary_key("activityid"),
        *strings(subject=200, exchangeitemid=200),
        *memos(description=description),
        *plain("datetime", "scheduledstart", "scheduledend", "actualstart", "actualend", "sortdate"),
        *integers("actualdurationminutes", minimum=0),
        *read_only(*integers("scheduleddurationminutes", minimum=0)),
        picklist("prioritycode", {0: "Low", 1: "Normal", 2: "High"}, default=1),
        *plain("boolean", "ismapiprivate", "isbilled", "isworkflowcreated", default=False),
        *plain("boolean", "leftvoicemail"),
        *read_only(
            Column("activitytypecode", "string", default=table),
            Column("isregularactivity", "boolean", default=True),
            picklist("instancetypecode", INSTANCE_TYPES, default=0),
            Column("seriesid", "guid", indexed=True),
        ),
        *read_only(*strings(traversedpath=1250)),
        *plain("guid", "processid", "stageid"),
        *integers("timezoneruleversionnumber", "utcconversiontimezonecode", minimum=-1),
        lookup("regardingobjectid", *regarding, cascade=True, indexed=True),
        *owner_columns(table),
        *audit_columns(table),
    )


def party_collection(table: str) -> Collection:
    return Collection(f"{table}_activity_parties", "activityparty", "activityid")


APPOINTMENT = Table(
    name="appointment",
    entity_set="appointments",
    primary_id="activityid",
    primary_name="subject",
    label="Appointment",
    type_code=4201,
    kind="activity",
    change_tracking=True,
    columns=(
        *activity_columns("appointment", description=1_048_576),
        *strings(location=200, category=250, subcategory=250, globalobjectid=300),
        *plain("boolean", "isalldayevent", "isdraft", default=False),
        *integers("outlookownerapptid"),
        *plain("guid", "subscriptionid"),
        *read_only(*plain("datetime", "originalstartdate"), *memos(modifiedfieldsmask=1_073_741_823)),
        *read_only(*integers("isunsafe", minimum=0)),
        picklist(
            "attachmenterrors",
            {
                0: "None",
                1: "The appointment was saved as a Microsoft Dynamics 365 appointment record, but not all "
                "the attachments could be saved with it. An attachment cannot be saved if it is blocked or "
                "if its file type is invalid.",
            },
        ),
        *read_only(Column("attachmentcount", "integer", minimum=0, default=0)),
        *MEETING_STATES,
    ),
    state_defaults=MEETING_STATE_DEFAULTS,
    collections=(
        party_collection("appointment"),
        Collection("appointment_activity_mime_attachment", "activitymimeattachment", "objectid"),
    ),
    parties=PartyRules(
        "appointment_activity_parties",
        {5: ATTENDEES, 6: ATTENDEES, 7: frozenset({"systemuser"})},
        unresolved=frozenset({5, 6}),
        single=frozenset({7}),
    ),
)

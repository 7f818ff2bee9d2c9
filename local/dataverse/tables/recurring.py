"""The series: a pattern and what its instances have in common. The instances are appointments."""

from __future__ import annotations

from dataclasses import replace

from local.dataverse.schema import (
    Collection,
    Column,
    PartyRules,
    Table,
    create_only,
    integers,
    lookup,
    memos,
    picklist,
    plain,
    read_only,
    strings,
)
from local.dataverse.tables.activities import (
    INSTANCE_TYPES,
    MEETING_STATE_DEFAULTS,
    MEETING_STATES,
    activity_columns,
    party_collection,
)

# Queues are parties of appointments, never of series.
ATTENDEES = frozenset({"systemuser", "contact", "account", "equipment"})
MONTHS = (
    "Invalid Month Of Year",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def _base_columns() -> tuple[Column, ...]:
    """The activity's columns; the scheduled times of a series are the server's to fill."""
    changed = {
        "scheduledstart": read_only(Column("scheduledstart", "datetime"))[0],
        "scheduledend": read_only(Column("scheduledend", "datetime"))[0],
        "instancetypecode": read_only(picklist("instancetypecode", INSTANCE_TYPES, default=1))[0],
    }
    columns = activity_columns("recurringappointmentmaster", description=1_048_576)
    return tuple(changed.get(column.name, column) for column in columns)


def _states() -> tuple[Column, ...]:
    """Unlike an appointment's, the state of a series may be given on create."""
    return tuple(replace(column, create=True) for column in MEETING_STATES)


# The days of a range travel as moments: midnight in the zone of whoever writes, as UTC.
PATTERN_COLUMNS = (
    picklist("recurrencepatterntype", {0: "Daily", 1: "Weekly", 2: "Monthly", 3: "Yearly"}),
    *integers("interval", minimum=1, maximum=1000),
    *integers("daysofweekmask", minimum=1, maximum=127),
    *integers("dayofmonth", minimum=1, maximum=31),
    picklist("monthofyear", dict(enumerate(MONTHS))),
    picklist("instance", {1: "First", 2: "Second", 3: "Third", 4: "Fourth", 5: "Last"}),
    *plain("boolean", "isnthmonthly", "isnthyearly", "isweekdaypattern", default=False),
    picklist("patternendtype", {1: "No End Date", 2: "Occurrences", 3: "Pattern End Date"}),
    *integers("occurrences", minimum=1, maximum=999),
    *plain("datetime", "patternstartdate", "patternenddate", "starttime", "endtime"),
    *integers("duration", minimum=0),
)

RECURRING_APPOINTMENT = Table(
    name="recurringappointmentmaster",
    entity_set="recurringappointmentmasters",
    primary_id="activityid",
    primary_name="subject",
    label="Recurring Appointment",
    type_code=4251,
    kind="activity",
    change_tracking=True,
    columns=(
        *_base_columns(),
        *strings(location=200, category=250, subcategory=250, globalobjectid=300),
        *plain("boolean", "isalldayevent", default=False),
        *integers("outlookownerapptid"),
        *PATTERN_COLUMNS,
        *plain("datetime", "effectivestartdate", "effectiveenddate"),
        *create_only(*integers("firstdayofweek", minimum=0, maximum=6)),
        *plain("boolean", "seriesstatus", default=True),
        *plain("boolean", "isregenerate", default=False),
        *read_only(
            *memos(deletedexceptionslist=1_073_741_823),
            picklist("expansionstatecode", {0: "Unexpanded", 1: "Partial", 2: "Full"}, default=0),
            lookup("groupid"),
            *plain("datetime", "lastexpandedinstancedate", "nextexpansioninstancedate"),
            *integers("isunsafe", minimum=0),
        ),
        *_states(),
    ),
    state_defaults=MEETING_STATE_DEFAULTS,
    collections=(
        party_collection("recurringappointmentmaster"),
        Collection("recurringappointmentmaster_appointment", "appointment", "seriesid"),
    ),
    parties=PartyRules(
        "recurringappointmentmaster_activity_parties",
        {5: ATTENDEES, 6: ATTENDEES, 7: frozenset({"systemuser"})},
        unresolved=frozenset({5, 6}),
        single=frozenset({7}),
    ),
)

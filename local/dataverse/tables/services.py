"""What service scheduling adds: the service appointment, and equipment that it can book."""

from __future__ import annotations

from local.dataverse.schema import PartyRules, Table, lookup, memos, plain, states, strings
from local.dataverse.tables.activities import ATTENDEES, activity_columns, party_collection
from local.dataverse.tables.common import audit_columns, primary_key

SERVICE_APPOINTMENT = Table(
    name="serviceappointment",
    entity_set="serviceappointments",
    primary_id="activityid",
    primary_name="subject",
    label="Service Activity",
    type_code=4214,
    kind="activity",
    change_tracking=True,
    columns=(
        *activity_columns("serviceappointment", description=2000),
        *strings(location=500, category=250, subcategory=250),
        *plain("boolean", "isalldayevent", default=False),
        *states(
            {0: "Open", 1: "Closed", 2: "Canceled", 3: "Scheduled"},
            (
                (1, "Requested", 0),
                (2, "Tentative", 0),
                (3, "Pending", 3),
                (4, "Reserved", 3),
                (6, "In Progress", 3),
                (7, "Arrived", 3),
                (8, "Completed", 1),
                (9, "Canceled", 2),
                (10, "No Show", 2),
            ),
        ),
    ),
    state_defaults={0: 1, 1: 8, 2: 9, 3: 4},
    collections=(party_collection("serviceappointment"),),
    parties=PartyRules(
        "serviceappointment_activity_parties",
        {
            5: ATTENDEES,
            6: ATTENDEES,
            7: frozenset({"systemuser"}),
            10: frozenset({"systemuser", "equipment"}),
            11: frozenset({"contact", "account"}),
        },
        unresolved=frozenset({5, 6}),
        single=frozenset({7}),
    ),
)

EQUIPMENT = Table(
    name="equipment",
    entity_set="equipments",
    primary_id="equipmentid",
    primary_name="name",
    label="Facility/Equipment",
    type_code=4000,
    kind="system",
    address_column="emailaddress",
    columns=(
        *primary_key("equipmentid"),
        *strings(name=160, emailaddress=100),
        *memos(description=2000),
        *plain("boolean", "isdisabled", default=False),
        lookup("businessunitid", ("businessunitid", "businessunit")),
        *audit_columns(),
    ),
)

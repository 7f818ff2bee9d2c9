"""Task, phone call, letter and fax: activities without a time in a calendar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from local.dataverse.schema import Column, PartyRules, Table, integers, plain, states, strings
from local.dataverse.tables.activities import activity_columns, party_collection

# Columns of the activity base that these tables do not have of their own.
NOT_HERE = frozenset({"exchangeitemid", "ismapiprivate", "leftvoicemail"})
PEOPLE = frozenset({"systemuser", "contact", "account"})
SENDER, TO, CC, BCC = 1, 2, 3, 4


def _columns(
    table: str, reasons: Iterable[tuple[int, str, int]], *more: Column, without: frozenset[str] = NOT_HERE
) -> tuple[Column, ...]:
    base = (column for column in activity_columns(table, description=2000) if column.name not in without)
    labels = {0: "Open", 1: "Completed", 2: "Canceled"}
    return (
        *base,
        *strings(category=250, subcategory=250),
        *plain("guid", "subscriptionid"),
        *more,
        *states(labels, reasons),
    )


def _parties(table: str, masks: Mapping[int, frozenset[str]]) -> PartyRules:
    """None of them takes a mere address; the owner and regarding rows are the server's."""
    return PartyRules(f"{table}_activity_parties", masks)


def _direction() -> Column:
    """Outgoing, unless it says otherwise."""
    return Column("directioncode", "boolean", default=True)


TASK = Table(
    name="task",
    entity_set="tasks",
    primary_id="activityid",
    primary_name="subject",
    label="Task",
    type_code=4212,
    kind="activity",
    change_tracking=True,
    columns=_columns(
        "task",
        (
            (2, "Not Started", 0),
            (3, "In Progress", 0),
            (4, "Waiting on someone else", 0),
            (5, "Completed", 1),
            (6, "Canceled", 2),
            (7, "Deferred", 0),
        ),
        *integers("percentcomplete", minimum=0, maximum=100),
        *plain("guid", "crmtaskassigneduniqueid"),
    ),
    state_defaults={0: 2, 1: 5, 2: 6},
    collections=(party_collection("task"),),
    closed_column="actualend",
    parties=_parties("task", {}),
)

PHONE_CALL = Table(
    name="phonecall",
    entity_set="phonecalls",
    primary_id="activityid",
    primary_name="subject",
    label="Phone Call",
    type_code=4210,
    kind="activity",
    change_tracking=True,
    columns=_columns(
        "phonecall",
        ((1, "Open", 0), (2, "Made", 1), (3, "Canceled", 2), (4, "Received", 1)),
        *strings(phonenumber=200),
        _direction(),
        without=NOT_HERE - {"leftvoicemail"},
    ),
    state_defaults={0: 1, 1: 2, 2: 3},
    collections=(party_collection("phonecall"),),
    closed_column="actualend",
    parties=_parties("phonecall", {SENDER: PEOPLE, TO: PEOPLE}),
)

LETTER = Table(
    name="letter",
    entity_set="letters",
    primary_id="activityid",
    primary_name="subject",
    label="Letter",
    type_code=4207,
    kind="activity",
    change_tracking=True,
    columns=_columns(
        "letter",
        ((1, "Open", 0), (2, "Draft", 0), (3, "Received", 1), (4, "Sent", 1), (5, "Canceled", 2)),
        *strings(address=200),
        _direction(),
    ),
    state_defaults={0: 2, 1: 4, 2: 5},
    collections=(party_collection("letter"),),
    closed_column="actualend",
    parties=_parties("letter", {SENDER: PEOPLE, TO: PEOPLE, CC: PEOPLE, BCC: PEOPLE}),
)

FAX = Table(
    name="fax",
    entity_set="faxes",
    primary_id="activityid",
    primary_name="subject",
    label="Fax",
    type_code=4204,
    kind="activity",
    change_tracking=True,
    columns=_columns(
        "fax",
        ((1, "Open", 0), (2, "Completed", 1), (3, "Sent", 1), (4, "Received", 1), (5, "Canceled", 2)),
        *strings(faxnumber=200, coverpagename=100, billingcode=50, tsid=20),
        *integers("numberofpages", minimum=0, maximum=1_000_000_000),
        _direction(),
    ),
    state_defaults={0: 1, 1: 2, 2: 5},
    collections=(party_collection("fax"),),
    closed_column="actualend",
    parties=_parties("fax", {SENDER: PEOPLE | {"queue"}, TO: PEOPLE | {"queue"}}),
)

TASK_LIKE = (TASK, PHONE_CALL, LETTER, FAX)

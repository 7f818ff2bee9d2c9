"""What we know of the tables by name: entity sets, feeds, and where e-mail addresses stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Logical name to entity set: what an appointment can be owned by, regard, or have as a party.
ENTITY_SETS: Mapping[str, str] = {
    "account": "accounts",
    "campaign": "campaigns",
    "contact": "contacts",
    "contract": "contracts",
    "equipment": "equipments",
    "incident": "incidents",
    "invoice": "invoices",
    "knowledgearticle": "knowledgearticles",
    "lead": "leads",
    "opportunity": "opportunities",
    "queue": "queues",
    "quote": "quotes",
    "salesorder": "salesorders",
    "systemuser": "systemusers",
    "team": "teams",
}


@dataclass(frozen=True, slots=True)
class Feed:
    """A table whose changes are followed; ``select`` is what routing needs and no more."""

    entity_set: str
    key: str
    more: str = ""

    @property
    def select(self) -> str:
        return f"{self.key},_ownerid_value{self.more}"


# Series come before appointments: a master is known before its instances are seen.
FEEDS: Mapping[str, Feed] = {
    "recurringappointmentmaster": Feed("recurringappointmentmasters", "activityid"),
    "appointment": Feed("appointments", "activityid", ",seriesid,instancetypecode"),
    "serviceappointment": Feed("serviceappointments", "activityid"),
    "contact": Feed("contacts", "contactid"),
    "task": Feed("tasks", "activityid"),
    "phonecall": Feed("phonecalls", "activityid"),
    "letter": Feed("letters", "activityid"),
    "fax": Feed("faxes", "activityid"),
}


@dataclass(frozen=True, slots=True)
class AddressBook:
    """A table whose rows have e-mail addresses (EMI-11). ``active``: column and value that mean "in use".
    ``attendee``: its rows can be parties of an appointment; Dataverse refuses the others (0x80043506)."""

    table: str
    entity_set: str
    key: str
    addresses: tuple[str, ...]
    active: tuple[str, int | bool] | None
    owned: bool
    attendee: bool = True


_THREE = ("emailaddress1", "emailaddress2", "emailaddress3")

# In the order of EMI-11. Tables that an organization does not have are left out at run time.
ADDRESS_BOOKS: tuple[AddressBook, ...] = (
    AddressBook(
        "systemuser", "systemusers", "systemuserid", ("internalemailaddress",), ("isdisabled", False), False
    ),
    AddressBook("contact", "contacts", "contactid", _THREE, ("statecode", 0), True),
    AddressBook("account", "accounts", "accountid", _THREE, ("statecode", 0), True),
    AddressBook("lead", "leads", "leadid", _THREE, ("statecode", 0), True),
    AddressBook("equipment", "equipments", "equipmentid", ("emailaddress",), ("isdisabled", False), False),
    AddressBook("team", "teams", "teamid", ("emailaddress",), None, False, attendee=False),
    AddressBook(
        "businessunit",
        "businessunits",
        "businessunitid",
        ("emailaddress",),
        ("isdisabled", False),
        False,
        attendee=False,
    ),
    AddressBook("queue", "queues", "queueid", ("emailaddress",), ("statecode", 0), True),
)

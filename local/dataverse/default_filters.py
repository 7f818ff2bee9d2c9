"""The Outlook filter templates of a new organization, one for each table that is synchronised.

The one of contacts is documented word for word; that of appointments in words (organizer or required or
optional attendee); the others, and the names, are assumptions.
"""

from __future__ import annotations

from collections.abc import Mapping

_MINE_AND_OPEN = (
    '<fetch><entity name="{table}"><attribute name="{key}"/><filter>'
    '<condition attribute="ownerid" operator="eq-userid"/>'
    '<condition attribute="statecode" operator="eq" value="0"/></filter></entity></fetch>'
)
_I_TAKE_PART = (
    '<fetch distinct="true"><entity name="{table}"><attribute name="activityid"/>'
    '<link-entity name="activityparty" from="activityid" to="activityid"><filter>'
    '<condition attribute="partyid" operator="eq-userid"/>'
    '<condition attribute="participationtypemask" operator="in">{masks}</condition>'
    "</filter></link-entity></entity></fetch>"
)


def _mine(table: str, key: str = "activityid") -> str:
    return _MINE_AND_OPEN.format(table=table, key=key)


def _party(table: str, *masks: int) -> str:
    return _I_TAKE_PART.format(table=table, masks="".join(f"<value>{mask}</value>" for mask in masks))


# Table -> name and query.
TEMPLATES: Mapping[str, tuple[str, str]] = {
    "contact": ("My Outlook Contacts", _mine("contact", "contactid")),
    "appointment": ("My Outlook Appointments", _party("appointment", 5, 6, 7)),
    "recurringappointmentmaster": (
        "My Outlook Recurring Appointments",
        _party("recurringappointmentmaster", 5, 6, 7),
    ),
    "serviceappointment": ("My Outlook Service Activities", _party("serviceappointment", 5, 6, 7, 10)),
    "task": ("My Outlook Tasks", _mine("task")),
    "phonecall": ("My Outlook Phone Calls", _mine("phonecall")),
    "letter": ("My Outlook Letters", _mine("letter")),
    "fax": ("My Outlook Faxes", _mine("fax")),
}

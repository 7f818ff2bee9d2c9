"""By which properties the lists of each type can be filtered and sorted."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Filterable:
    """``parts`` are paths into a property; ``lists`` the collections that ``any`` goes into, with the names
    of their elements' properties."""

    type_name: str
    text: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    moments: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    lists: dict[str, frozenset[str]] = field(default_factory=dict)
    sortable: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        return self.text | self.flags | self.moments | self.parts


_STAMPS = frozenset({"createdDateTime", "lastModifiedDateTime"})
_EVENT = Filterable(
    "event",
    text=frozenset(
        {"iCalUId", "subject", "importance", "sensitivity", "showAs", "type", "seriesMasterId", "changeKey"}
    ),
    flags=frozenset(
        {"isAllDay", "isCancelled", "isOrganizer", "isReminderOn", "isOnlineMeeting", "hasAttachments"}
    ),
    moments=_STAMPS | {"start/dateTime", "end/dateTime"},
    parts=frozenset(
        {"organizer/emailAddress/address", "organizer/emailAddress/name", "location/displayName"}
    ),
    sortable=_STAMPS | {"start/dateTime", "end/dateTime", "subject"},
)
_CONTACT = Filterable(
    "contact",
    text=frozenset(
        {
            "displayName",
            "givenName",
            "surname",
            "fileAs",
            "companyName",
            "jobTitle",
            "mobilePhone",
            "nickName",
        }
    ),
    moments=_STAMPS,
    lists={"emailAddresses": frozenset({"address", "name"})},
    sortable=_STAMPS | {"displayName", "givenName", "surname", "fileAs", "companyName"},
)
_FOLDER = Filterable("contactFolder", text=frozenset({"displayName"}), sortable=frozenset({"displayName"}))
_TASK_LIST = Filterable(
    "todoTaskList",
    text=frozenset({"displayName", "wellknownListName"}),
    sortable=frozenset({"displayName"}),
)
_TASK = Filterable(
    "todoTask",
    text=frozenset({"title", "status", "importance"}),
    flags=frozenset({"isReminderOn", "hasAttachments"}),
    moments=_STAMPS | {"dueDateTime/dateTime", "completedDateTime/dateTime", "reminderDateTime/dateTime"},
    sortable=_STAMPS | {"title", "importance", "status", "dueDateTime/dateTime"},
)
FILTERABLE = {row.type_name: row for row in (_EVENT, _CONTACT, _FOLDER, _TASK_LIST, _TASK)}

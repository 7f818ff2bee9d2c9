"""The organization's settings that this service knows (SET), as a table: the rules take their defaults from
it, and the admin API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

APPOINTMENT, CONTACT, TASK = "appointment", "contact", "task"
EVERYTHING = (APPOINTMENT, CONTACT, TASK)
RICH_BODIES = "appointmentricheditorexperience"
PAST_MONTHS, FUTURE_MONTHS = "pastexpansionwindow", "futureexpansionwindow"


@dataclass(frozen=True, slots=True)
class OrganizationSetting:
    """One setting by its rule and its name in Dynamics. ``touches``: the kinds of items it changes anything
    for. ``bounds``: of a number. ``overridable``: a profile may say otherwise; not where it describes what
    Dynamics itself does."""

    id: str
    name: str
    default: bool | int
    meaning: str
    touches: tuple[str, ...]
    bounds: tuple[int, int] | None = None
    overridable: bool = True

    @property
    def type(self) -> str:
        return "boolean" if isinstance(self.default, bool) else "integer"


def _only_appointments(number: int, name: str, default: bool, meaning: str) -> OrganizationSetting:
    return OrganizationSetting(f"SET-{number}", name, default, meaning, (APPOINTMENT,))


# Defaults of section N of the behaviour file, except SET-1, which is true here (FLT-10).
SETTINGS: tuple[OrganizationSetting, ...] = (
    OrganizationSetting(
        "SET-1",
        "DistinctPhysicalAndLogicalDeletesForExchangeSync",
        True,
        "A row that is merely out of sight or out of the filter is unlinked, never deleted in Exchange",
        EVERYTHING,
    ),
    _only_appointments(
        2,
        "SSSPropagateAppointmentCancellationsToExchange",
        False,
        "Canceling an appointment in Dynamics cancels the meeting in the organizer's mailbox",
    ),
    _only_appointments(
        3,
        "SSSUpdatePastMeetingsInNonDraftMode",
        False,
        "Meetings that are over are updated in Exchange too, which may mail their attendees",
    ),
    OrganizationSetting(
        "SET-4",
        "SSSTaskDeletionSyncBehaviorFromExchange",
        0,
        "A task deleted in Exchange is deleted in Dynamics: 0 always, 1 unless it is completed, 2 never",
        (TASK,),
        bounds=(0, 2),
    ),
    _only_appointments(
        5,
        "SSSSyncAppointmentIsPrivateFromExchange",
        False,
        "The private flag travels from Exchange to Dynamics",
    ),
    _only_appointments(
        6, "TrackAppointmentsFromNonOrganizer", True, "Attendees may track a meeting that others organize"
    ),
    _only_appointments(
        7,
        "ForceOrganizerSyncForAttendeeTrackedAppointment",
        False,
        "A meeting is synchronized through its organizer's mailbox. This service always does that where the "
        "organizer's mailbox is subscribed, so the value changes nothing",
    ),
    _only_appointments(
        8,
        "UseCrmOrganizerForEmptyExchangeOrganizer",
        False,
        "An appointment keeps its organizer in Dynamics when Exchange names none",
    ),
    _only_appointments(
        9,
        "DisableImplicitSharingOfCommunicationActivities",
        False,
        "Dynamics shares no row with those who take part in it. That is its own doing: this service shares "
        "nothing, so the value changes nothing here",
    ),
    _only_appointments(
        10, "AllowSaveAsDraftAppointment", False, "Drafts stay in Dynamics until they are sent"
    ),
    OrganizationSetting(
        "SET-11",
        "IgnoreCopiedItemsInSSSForMailbox",
        True,
        "A copy of a linked item is left alone instead of becoming a second row",
        EVERYTHING,
    ),
    OrganizationSetting(
        "SET-12",
        "TrackCategorizedItems",
        True,
        "The category tracks an item, and tracked items get it",
        EVERYTHING,
    ),
    OrganizationSetting(
        "SET-22",
        "ValidateContactBeforeTracking",
        True,
        "A contact without what Dynamics needs of it is not tracked, and it is said why",
        (CONTACT,),
    ),
    _only_appointments(
        23, "ResolveForInactiveEntities", False, "Addresses of people resolve to inactive rows too"
    ),
    _only_appointments(47, RICH_BODIES, False, "Bodies of single appointments keep their formatting"),
    OrganizationSetting(
        "SET-47",
        PAST_MONTHS,
        3,
        "For how many months back Dynamics has the instances of a series",
        (APPOINTMENT,),
        overridable=False,
    ),
    OrganizationSetting(
        "SET-47",
        FUTURE_MONTHS,
        12,
        "For how many months ahead Dynamics has the instances of a series",
        (APPOINTMENT,),
        overridable=False,
    ),
)
BY_NAME: Mapping[str, OrganizationSetting] = {each.name: each for each in SETTINGS}
DEFAULTS: Mapping[str, bool | int] = {each.name: each.default for each in SETTINGS}

"""Every reason for leaving something alone: its code, the rules behind it, and how it reads to a person."""

from __future__ import annotations

from enum import Enum

from shared.model.decision import Skip


class Reason(Enum):
    """``(code, rules, sentence)``; the sentence may hold one ``{detail}``."""

    NOT_TRACKED = ("not tracked", ("APPT-1",), "nobody tracks this item")
    LONE_OCCURRENCE = (
        "lone occurrence",
        ("APPT-28", "APPT-36"),
        "it is an occurrence of a series; series are synchronized as a whole, with their master",
    )
    PARKED_HISTORY = (
        "history of a series",
        ("APPT-33", "APPT-34"),
        "Dynamics parked the past instances of a linked series here when its pattern changed; they are not "
        "brought to Exchange again",
    )
    TWIN = (
        "twin",
        ("LNK-7",),
        "it names the same meeting (globalobjectid) as another appointment, which is linked to it",
    )
    NOT_EXPRESSIBLE = (
        "recurrence not expressible",
        ("APPT-28", "FLD-11"),
        "the other side cannot say this recurrence: {detail}",
    )
    RECURRENCE_NOTE = ("recurrence said differently", ("APPT-28", "FLD-11"), "{detail}")
    NO_SUCH_OCCURRENCE = (
        "no such occurrence",
        ("APPT-35", "APPT-36"),
        "the series has no occurrence on {detail} any more, so the change made to it has no place",
    )
    NOT_RESTORED = (
        "occurrence not restored",
        ("APPT-35",),
        "the occurrence of {detail} was deleted on the other side, which cannot bring one back",
    )
    OCCURRENCE_STAYS = (
        "occurrence stays",
        ("APPT-25", "APPT-30"),
        "the occurrence of {detail} was deleted on one side and stays on the other",
    )
    OCCURRENCE_OUTSIDE_WINDOW = (
        "occurrence outside the window",
        ("APPT-34",),
        "the changed occurrence of {detail} lies outside the calendar window, or beyond what Dynamics "
        "expands; it is looked at again every day",
    )
    FOREIGN_ORGANIZATION = (
        "foreign organization",
        ("LNK-6", "MBX-12"),
        "another Dynamics organization has marked this item as its own",
    )
    COPIED = ("copied item", ("LNK-7",), "it is a copy of an item that is linked already ({detail})")
    NOT_ORGANIZER_TRACKING = (
        "attendees may not track",
        ("APPT-6",),
        "the organization does not let attendees track meetings (TrackAppointmentsFromNonOrganizer)",
    )
    OUTSIDE_WINDOW = (
        "outside the window",
        ("APPT-1",),
        "it lies wholly outside the calendar window and is picked up when the window reaches it",
    )
    NO_TIME = (
        "no time",
        ("APPT-10",),
        "the appointment has neither start nor end, so it has no place in a calendar",
    )
    DRAFT = ("draft", ("APPT-12",), "it is saved as a draft; it is sent on when it leaves draft mode")
    NO_ORGANIZER = (
        "no organizer",
        ("APPT-3",),
        "the appointment has no organizer, so no mailbox may send it",
    )
    OTHER_ORGANIZER = ("other organizer", ("APPT-3",), "the appointment is organized by another user")
    CANCELED_UNSEEN = (
        "canceled before it was seen",
        ("APPT-24",),
        "a canceled appointment is not brought to Exchange",
    )
    ENDED = ("ended", ("LNK-8",), "the link has ended ({detail}); track the item again to resume")
    OWNED_BY = ("owned by another mailbox", ("APPT-3", "APPT-6"), "its content is owned by {detail}")
    NOT_ORGANIZER = (
        "not the organizer",
        ("APPT-3",),
        "this mailbox does not organize the meeting, so changes made in Dynamics are kept there",
    )
    PAST_MEETING = (
        "past meeting",
        ("APPT-23", "APPT-22"),
        "the meeting is past; sending the change would mail its attendees",
    )
    LINKING_MAILS_NOBODY = (
        "linking mails nobody",
        ("APPT-26", "PAIN-2"),
        "the items were linked for the first time; making Exchange equal would have mailed the attendees",
    )
    CLOSED = (
        "closed in Dynamics",
        ("APPT-31",),
        "the appointment is completed or canceled and takes no change from Exchange",
    )
    DIRECTION = ("field direction", ("FLD-33",), "the field does not travel in this direction")
    CUT = ("cut", ("FLD-3", "FLD-5", "FLD-10"), "the text was cut to the other side's length ({detail})")
    ADDRESS_TOO_LONG = (
        "address too long",
        ("APPT-7",),
        "an attendee's address is longer than Dynamics takes ({detail}); the attendee stays in Exchange",
    )
    PRIVATE = (
        "private",
        ("APPT-9",),
        "the item is marked as private in Exchange, and the profile keeps private items out of Dynamics",
    )
    PRIVATE_CONTENT = (
        "private content",
        ("APPT-9",),
        "the item is private and only its time is shown in Dynamics; what is written there stays there",
    )
    UNKNOWN_STATUS = (
        "unknown show-as",
        ("FLD-9",),
        "Exchange shows the time in a way that Dynamics has no status for",
    )
    UNKNOWN_REGARDING = (
        "unknown regarding",
        ("FLD-8",),
        "the item's regarding names a kind of row that is not known here",
    )
    CANCEL_WOULD_MAIL = (
        "past cancellation",
        ("APPT-24",),
        "the meeting is past, so its cancellation is not sent",
    )
    ORGANIZER_CHANGED = (
        "organizer changed",
        ("APPT-4",),
        "the appointment is now organized by another user; nothing is canceled in Exchange",
    )
    ONE_WAY = (
        "one way",
        ("APPT-38", "FLD-12", "FLD-34"),
        "service appointments travel to Outlook only: what is changed there stays there until Dynamics "
        "changes the same field",
    )
    MADE_IN_DYNAMICS = (
        "made in Dynamics only",
        ("APPT-37", "APPT-38"),
        "it is the copy of a service appointment that is gone; none is made from Outlook",
    )
    NOT_TAKING_PART = (
        "not taking part",
        ("APPT-37", "FLT-8"),
        "the mailbox's owner is neither resource, attendee nor organizer of the service appointment",
    )
    GUESTS_OF_THE_COPY = (
        "the copy has guests",
        ("APPT-38", "X-1"),
        "somebody invited people to this copy in Outlook; changing it would mail them",
    )
    MADE_A_SERIES = (
        "the copy is a series",
        ("APPT-38",),
        "somebody made a series of this copy in Outlook; a service appointment takes place once",
    )
    NO_ACCESS = (
        "no access",
        ("FAQ-3", "MBX-23"),
        "the appointment exists in Dynamics, but the mailbox owner may not read it",
    )
    ATTACHMENTS_OF_SERIES = (
        "attachments of a series",
        ("APPT-11", "FLD-11"),
        "only single appointments synchronize their attachments; these stay where they are",
    )
    ATTACHMENT_KIND = (
        "not a file",
        ("APPT-11",),
        "only files are copied; this attachment is an {detail} and stays where it is",
    )
    ATTACHMENT_BLOCKED = (
        "blocked extension",
        ("APPT-11", "EMI-22"),
        "the Dynamics organization blocks files with the extension {detail} (blockedattachments)",
    )
    ATTACHMENT_TOO_LARGE = (
        "file too large",
        ("APPT-11", "EMI-22"),
        "the file is larger than the Dynamics organization takes (maxuploadfilesize)",
    )
    ATTACHMENT_NAME = (
        "file name too long",
        ("APPT-11", "EMI-22"),
        "Dynamics takes names of files of at most 255 characters",
    )
    ATTACHMENT_UNREADABLE = (
        "unreadable file",
        ("APPT-11",),
        "{detail} cannot be read, so the files of this appointment are not compared",
    )
    ATTACHMENT_LEFT = ("attachment left out", ("APPT-11",), "the file was not brought over: {detail}")
    DROPPED = ("dropped", ("FLT-10",), "an administrator decided not to carry this out")
    BUSY = ("somebody is busy", ("APPT-29",), "it waits for an administrator: {detail}")
    SAVED_THOUGH_BUSY = ("saved though somebody is busy", ("APPT-29", "PAIN-4"), "{detail}")
    KEPT_OUT = (
        "kept out by decision",
        ("APPT-29",),
        "an administrator decided not to take this to Dynamics ({detail})",
    )
    # contacts and tasks
    NOT_IN_FILTER = (
        "not in the filter",
        ("FLT-1", "FLT-4"),
        "no active sync filter of the mailbox's owner takes this row to Exchange",
    )
    STAYS_LINKED = (
        "left the filter, stays by decision",
        ("FLT-10",),
        "it left the sync filter, and an administrator decided that it stays linked",
    )
    CREATING = (
        "being created",
        ("LNK-7",),
        "an earlier pass was making it in Exchange and its answer is not known yet; it is looked for first",
    )
    SECURED = (
        "secured column",
        ("FLD-35", "FAQ-3"),
        "field-level security does not let the mailbox's owner {detail} this column in Dynamics",
    )
    SAME_PERSON = ("may be the same", ("CONT-9",), "it waits for an administrator: {detail}")
    NOT_MERGED = (
        "kept apart by decision",
        ("CONT-9",),
        "an administrator decided not to synchronize this item",
    )
    FROZEN = (
        "frozen",
        ("LNK-11",),
        "the item went round three times without a human edit and was stopped",
    )

    # contacts
    SHORTENED = (
        "shortened",
        ("CONT-1",),
        "Dynamics takes less of it than Exchange holds ({detail}); the rest stays in Exchange, until it is "
        "changed in Dynamics",
    )
    TOO_LONG = (
        "too long",
        ("CONT-1",),
        "it is longer than Dynamics takes ({detail}) and would be wrong if it were cut; it stays in Exchange",
    )
    DATE_TOO_EARLY = (
        "date too early",
        ("CONT-1",),
        "Dynamics knows no dates before {detail}; this one stays in Exchange",
    )
    NOT_A_PARENT = (
        "not a parent",
        ("CONT-6",),
        "a contact belongs to an account or to another contact; what this one regards (type {detail}) is "
        "neither",
    )
    UNNAMED = (
        "nothing to be known by",
        ("SET-22", "CONT-8"),
        "the contact has neither a name nor a company nor an e-mail address; give it one of them",
    )
    NO_EMAIL_ADDRESS = (
        "not an e-mail address",
        ("SET-22", "CONT-8"),
        "{detail} is no e-mail address; correct or remove it",
    )
    # tasks
    TASK_RECURS = (
        "recurring task",
        ("TASK-12",),
        "recurring tasks are not synchronized; each of them would have to be a row of its own",
    )
    TASK_OF_OTHERS = (
        "not the mailbox's own list",
        ("TASK-12", "X-5"),
        "its list ({detail}) is shared by somebody else or made of flagged messages: only tasks of the "
        "mailbox's own lists are synchronized",
    )
    TASK_DATES_CROSS = (
        "starts after it is due",
        ("TASK-5", "TASK-7"),
        "the start that one side has and the due date of the other cannot go together, and the direction of "
        "one of them keeps it from being moved; the dates stay as they are",
    )

    def __init__(self, code: str, rules: tuple[str, ...], sentence: str) -> None:
        self.code = code
        self.rules = rules
        self.sentence = sentence

    def skip(self, *, detail: str = "", fields: tuple[str, ...] = ()) -> Skip:
        """This reason as a skip of the whole item or of some of its fields."""
        return Skip(self.code, self.rules, self.sentence.format(detail=detail), fields)

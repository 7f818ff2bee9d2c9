"""What the engine needs of the outside, as Protocols. Adapters implement them; tests may too.

Every method may raise the errors of ``shared.errors``. Ids are Graph's immutable ids and lower-case GUIDs.
"""

from __future__ import annotations

from shared.engine.ports.dynamics import (
    ChangedRow,
    ChangePage,
    DynamicsMailboxRow,
    DynamicsSystem,
    DynamicsUser,
    FilterOwner,
    Likeness,
)
from shared.engine.ports.exchange import (
    CalendarRef,
    EventPage,
    Exchange,
    ExchangeMailbox,
    ItemPage,
    MailboxInfo,
    PersonalItems,
    Subscription,
    Window,
)
from shared.engine.ports.jobs import (
    AlertStore,
    AnswerStore,
    DeadLetterStore,
    FeedStore,
    Jobs,
    SubscriptionRow,
    SubscriptionStore,
)
from shared.engine.ports.mailbox_state import (
    REMOVED,
    Agenda,
    Changes,
    Cursor,
    Fence,
    HeldRow,
    InboxRow,
    MailboxStore,
)
from shared.engine.ports.records import (
    Candidate,
    DecisionStore,
    HistoryRow,
    HistoryStore,
    ItemEntry,
    ItemIndex,
    ItemLink,
    MailboxRegistry,
    PendingDecision,
    ProfileStore,
    Question,
)

__all__ = [
    "REMOVED",
    "Agenda",
    "AlertStore",
    "AnswerStore",
    "CalendarRef",
    "Candidate",
    "ChangePage",
    "ChangedRow",
    "Changes",
    "Cursor",
    "DeadLetterStore",
    "DecisionStore",
    "DynamicsMailboxRow",
    "DynamicsSystem",
    "DynamicsUser",
    "EventPage",
    "Exchange",
    "ExchangeMailbox",
    "FeedStore",
    "Fence",
    "FilterOwner",
    "HeldRow",
    "HistoryRow",
    "HistoryStore",
    "InboxRow",
    "ItemEntry",
    "ItemIndex",
    "ItemLink",
    "ItemPage",
    "Jobs",
    "Likeness",
    "MailboxInfo",
    "MailboxRegistry",
    "MailboxStore",
    "PendingDecision",
    "PersonalItems",
    "ProfileStore",
    "Question",
    "Subscription",
    "SubscriptionRow",
    "SubscriptionStore",
    "Window",
]

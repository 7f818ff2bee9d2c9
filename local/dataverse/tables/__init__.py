"""All tables this stand-in has, by logical name and by entity set."""

from __future__ import annotations

from local.dataverse.schema import Table
from local.dataverse.tables.attachments import ACTIVITY_MIME_ATTACHMENT
from local.dataverse.tables.customers import ACCOUNT, CONTACT, QUEUE
from local.dataverse.tables.messages import SDK_MESSAGE, SDK_MESSAGE_FILTER
from local.dataverse.tables.parties import ACTIVITIES, ACTIVITY_PARTY
from local.dataverse.tables.people import (
    BUSINESS_UNIT,
    MAILBOX,
    ORGANIZATION,
    SYSTEM_USER,
    TEAM,
    TEAM_MEMBERSHIP,
)
from local.dataverse.tables.queries import SAVED_QUERY, USER_QUERY
from local.dataverse.tables.services import EQUIPMENT

ALL_TABLES = (
    *ACTIVITIES,
    ACTIVITY_PARTY,
    ACTIVITY_MIME_ATTACHMENT,
    CONTACT,
    ACCOUNT,
    QUEUE,
    SYSTEM_USER,
    MAILBOX,
    BUSINESS_UNIT,
    TEAM,
    TEAM_MEMBERSHIP,
    ORGANIZATION,
    USER_QUERY,
    SAVED_QUERY,
    EQUIPMENT,
    SDK_MESSAGE,
    SDK_MESSAGE_FILTER,
)
TABLES: dict[str, Table] = {table.name: table for table in ALL_TABLES}
ENTITY_SETS: dict[str, Table] = {table.entity_set: table for table in ALL_TABLES}

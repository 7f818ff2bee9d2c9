"""Views: those of the system, those of users, and among both the filters of synchronisation."""

from __future__ import annotations

from local.dataverse.schema import (
    Column,
    Table,
    create_only,
    integers,
    lookup,
    memos,
    picklist,
    plain,
    read_only,
    states,
    strings,
)
from local.dataverse.tables.common import audit_columns, owner_columns, primary_key

LONGEST = 1_073_741_823
MOST = 1_000_000_000
STATES = {0: "Active", 1: "Inactive"}
REASONS = ((1, "Active", 0), (2, "Inactive", 1))
QUERY_COLUMNS = (
    *strings(name=200, returnedtypecode=64),
    *memos(
        description=2000,
        fetchxml=LONGEST,
        layoutxml=LONGEST,
        layoutjson=LONGEST,
        columnsetxml=LONGEST,
        offlinesqlquery=LONGEST,
        conditionalformatting=LONGEST,
    ),
    *integers("querytype", minimum=0, maximum=MOST),
)

USER_QUERY = Table(
    name="userquery",
    entity_set="userqueries",
    primary_id="userqueryid",
    primary_name="name",
    label="Saved View",
    type_code=4230,
    kind="personal",
    columns=(
        *primary_key("userqueryid"),
        *QUERY_COLUMNS,
        *strings(advancedgroupby=20),
        lookup("parentqueryid", ("parentqueryid", "savedquery")),
        *owner_columns(),
        *audit_columns(imported=False),
        *states(STATES, (*REASONS, (3, "All", 0))),
    ),
    state_defaults={0: 1, 1: 2},
)

SAVED_QUERY = Table(
    name="savedquery",
    entity_set="savedqueries",
    primary_id="savedqueryid",
    primary_name="name",
    label="View",
    type_code=1039,
    kind="system",
    columns=(
        *primary_key("savedqueryid"),
        *QUERY_COLUMNS,
        *strings(advancedgroupby=2000),
        *plain("boolean", "isdefault", "isquickfindquery", default=False),
        *integers("queryappusage", minimum=0, maximum=MOST),
        *create_only(*strings(introducedversion=48)),
        *read_only(
            *plain("boolean", "isprivate", "ismanaged", "isuserdefined", "iscustom", default=False),
            picklist(
                "componentstate",
                {0: "Published", 1: "Unpublished", 2: "Deleted", 3: "Deleted Unpublished"},
                default=0,
            ),
            Column("queryapi", "string", max_length=512),
            lookup("organizationid", ("organizationid", "organization")),
        ),
        *audit_columns(imported=False),
        *states(STATES, REASONS),
    ),
    state_defaults={0: 1, 1: 2},
)

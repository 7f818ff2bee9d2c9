"""Which messages there are and for which tables: how a client finds out what can be done many at a time."""

from __future__ import annotations

from local.dataverse.schema import EVERY_WRITE, Table, lookup, plain, read_only, strings
from local.dataverse.tables.common import primary_key

# ``CreateMultiple`` and ``UpdateMultiple`` are known to work for these; for activities with parties it is
# open, so it is refused.
MANY_AT_A_TIME = ("contact", "account", "task")
BULK_MESSAGES = ("CreateMultiple", "UpdateMultiple")

SDK_MESSAGE = Table(
    name="sdkmessage",
    entity_set="sdkmessages",
    primary_id="sdkmessageid",
    primary_name="name",
    label="Sdk Message",
    type_code=4606,
    kind="system",
    refused=EVERY_WRITE,
    columns=(
        *primary_key("sdkmessageid"),
        *read_only(*strings(name=256), *plain("bigint", "versionnumber")),
    ),
)

SDK_MESSAGE_FILTER = Table(
    name="sdkmessagefilter",
    entity_set="sdkmessagefilters",
    primary_id="sdkmessagefilterid",
    primary_name="name",
    label="Sdk Message Filter",
    type_code=4607,
    kind="system",
    refused=EVERY_WRITE,
    columns=(
        *primary_key("sdkmessagefilterid"),
        *read_only(
            *strings(name=256, primaryobjecttypecode=64),
            lookup("sdkmessageid", ("sdkmessageid", "sdkmessage")),
            *plain("bigint", "versionnumber"),
        ),
    ),
)

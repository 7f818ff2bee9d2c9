"""Files attached to an appointment. Their rights and their life are the appointment's."""

from __future__ import annotations

from local.dataverse.schema import (
    Column,
    Table,
    create_only,
    integers,
    lookup,
    memos,
    plain,
    read_only,
    strings,
)
from local.dataverse.tables.common import primary_key

ACTIVITY_MIME_ATTACHMENT = Table(
    name="activitymimeattachment",
    entity_set="activitymimeattachments",
    primary_id="activitymimeattachmentid",
    primary_name="filename",
    label="Attachment",
    type_code=1001,
    kind="attachment",
    parent_column="objectid",
    columns=(
        *primary_key("activitymimeattachmentid"),
        *create_only(
            lookup(
                "objectid",
                ("objectid_appointment", "appointment"),
                ("objectid_activitypointer", "appointment"),
                cascade=True,
                indexed=True,
            ),
            Column("objecttypecode", "string", max_length=64),
        ),
        *strings(subject=2000, filename=255, mimetype=256, attachmentcontentid=255),
        *memos(body=1_073_741_823),
        *integers("attachmentnumber", minimum=0, maximum=1_000_000_000),
        *plain("boolean", "isfollowed", default=False),
        *read_only(
            *integers("filesize", minimum=0, maximum=1_000_000_000),
            lookup("ownerid"),
            lookup("owninguser"),
            lookup("owningbusinessunit"),
            *plain("bigint", "versionnumber"),
        ),
    ),
)

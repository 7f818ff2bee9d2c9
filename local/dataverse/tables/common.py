"""Columns that many tables share: keys, audit, ownership, addresses."""

from __future__ import annotations

from local.dataverse.schema import (
    Column,
    create_only,
    integers,
    lookup,
    picklist,
    plain,
    read_only,
    strings,
)

DEFAULT_ONLY = {1: "Default Value"}


def primary_key(name: str) -> tuple[Column, ...]:
    """A key the client may choose on create."""
    return create_only(Column(name, "guid"))


def audit_columns(table: str = "", *, imported: bool = True) -> tuple[Column, ...]:
    """Who and when; ``table`` adds the per-activity navigation names beside the base ones, ``imported`` what
    only tables that data can be imported into have."""
    people = ("createdby", "modifiedby", "createdonbehalfby", "modifiedonbehalfby")
    import_columns = (*plain("datetime", "overriddencreatedon"), *integers("importsequencenumber"))
    lookups = (lookup(name, *_names(name, table, "systemuser")) for name in people)
    return (
        *read_only(
            *plain("datetime", "createdon", "modifiedon"), *lookups, *plain("bigint", "versionnumber")
        ),
        *create_only(*(import_columns if imported else ())),
    )


def owner_columns(table: str = "") -> tuple[Column, ...]:
    """The owner and what follows from it."""
    return (
        lookup("ownerid", ("ownerid", "systemuser"), ("ownerid", "team"), indexed=True),
        *read_only(
            lookup("owninguser", *_names("owninguser", table, "systemuser")),
            lookup("owningteam", *_names("owningteam", table, "team")),
            lookup("owningbusinessunit", *_names("owningbusinessunit", table, "businessunit")),
        ),
    )


def _names(column: str, table: str, target: str) -> tuple[tuple[str, str], ...]:
    base = ((column, target),)
    return (*base, (f"{column}_{table}", target)) if table else base


def address_columns(prefix: str) -> tuple[Column, ...]:
    """One of the postal addresses of a contact or account."""
    lengths = {
        "name": 200,
        "line1": 250,
        "line2": 250,
        "line3": 250,
        "city": 80,
        "stateorprovince": 50,
        "county": 50,
        "country": 80,
        "postofficebox": 20,
        "postalcode": 20,
        "upszone": 4,
        "telephone1": 50,
        "telephone2": 50,
        "telephone3": 50,
        "fax": 50,
        "primarycontactname": 100,
    }
    return (
        *strings(**{f"{prefix}_{name}": length for name, length in lengths.items()}),
        *read_only(Column(f"{prefix}_composite", "memo", max_length=1000)),
        *read_only(Column(f"{prefix}_addressid", "guid")),
        *plain("double", f"{prefix}_latitude", f"{prefix}_longitude"),
        *integers(f"{prefix}_utcoffset", minimum=-1500, maximum=1500),
    )


def customer_base_columns() -> tuple[Column, ...]:
    """What contact and account have beside what people type: ageing, campaigns, service levels."""
    ageing = ("aging30", "aging60", "aging90", "aging30_base", "aging60_base", "aging90_base")
    return (
        *plain("datetime", "lastusedincampaign", "lastonholdtime"),
        *plain("boolean", "participatesinworkflow", default=False),
        *plain("guid", "processid", "stageid"),
        *integers("timezoneruleversionnumber", "utcconversiontimezonecode", minimum=-1),
        *read_only(
            *plain("decimal", *ageing, "creditlimit_base", "exchangerate"),
            *integers("onholdtime"),
            *strings(timespentbymeonemailandmeetings=1250),
            *plain("guid", "entityimageid"),
        ),
    )


def communication_columns() -> tuple[Column, ...]:
    """The permissions to be written to or called, and how; alike on contact and account."""
    switches = (
        "donotemail",
        "donotphone",
        "donotfax",
        "donotpostalmail",
        "donotbulkemail",
        "donotbulkpostalmail",
        "donotsendmm",
        "creditonhold",
        "marketingonly",
    )
    methods = {1: "Any", 2: "Email", 3: "Phone", 4: "Fax", 5: "Mail"}
    days = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    return (
        *plain("boolean", *switches, default=False),
        *plain("boolean", "followemail", default=True),
        picklist("preferredcontactmethodcode", methods, default=1),
        picklist("preferredappointmentdaycode", dict(enumerate(days))),
        picklist("preferredappointmenttimecode", {1: "Morning", 2: "Afternoon", 3: "Evening"}),
        picklist("customersizecode", DEFAULT_ONLY, default=1),
        picklist("shippingmethodcode", DEFAULT_ONLY, default=1),
        picklist("territorycode", DEFAULT_ONLY, default=1),
        picklist("paymenttermscode", {1: "Net 30", 2: "2% 10, Net 30", 3: "Net 45", 4: "Net 60"}),
    )

"""The organization and its people: users, mailboxes, business units and teams."""

from __future__ import annotations

from local.dataverse.schema import (
    EVERY_WRITE,
    Column,
    Table,
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
from local.dataverse.tables.customers import ACTIVE

INCOMING = {
    0: "None",
    1: "Microsoft Dynamics 365 for Outlook",
    2: "Server-Side Synchronization or Email Router",
    3: "Forward Mailbox",
}
OUTGOING = {
    0: "None",
    1: "Microsoft Dynamics 365 for Outlook",
    2: "Server-Side Synchronization or Email Router",
}
APPROVAL = {0: "Empty", 1: "Approved", 2: "Pending Approval", 3: "Rejected"}
TEST_RESULT = {0: "Not Run", 1: "Success", 2: "Failure"}

# The file extensions of a new organization.
BLOCKED = (
    "ade;adp;app;asa;ashx;asmx;asp;bas;bat;cdx;cer;chm;class;cmd;com;"
    "config;cpl;crt;csh;dll;exe;fxp;hlp;hta;htr;htw;ida;idc;idq;inf;ins;"
    "isp;its;jar;js;jse;ksh;lnk;mad;maf;mag;mam;maq;mar;mas;mat;mau;mav;"
    "maw;mda;mdb;mde;mdt;mdw;mdz;msc;msh;msh1;msh1xml;msh2;msh2xml;mshxml;"
    "msi;msp;mst;ops;pcd;pif;prf;prg;printer;pst;reg;rem;scf;scr;sct;shb;"
    "shs;shtm;shtml;soap;stm;tmp;url;vb;vbe;vbs;vsmacros;vss;vst;vsw;ws;"
    "wsc;wsf;wsh;svg"
)

SYSTEM_USER = Table(
    name="systemuser",
    entity_set="systemusers",
    primary_id="systemuserid",
    primary_name="fullname",
    label="User",
    type_code=8,
    kind="system",
    change_tracking=True,
    refused=frozenset({"Delete"}),
    address_column="internalemailaddress",
    columns=(
        *primary_key("systemuserid"),
        *strings(
            fullname=200,
            firstname=64,
            middlename=50,
            lastname=64,
            nickname=50,
            title=128,
            jobtitle=100,
            internalemailaddress=100,
            personalemailaddress=100,
            windowsliveid=1024,
            domainname=1024,
            mobilephone=64,
            homephone=50,
            address1_telephone1=64,
            employeeid=100,
            disabledreason=500,
        ),
        *plain("guid", "azureactivedirectoryobjectid", "applicationid"),
        *read_only(*plain("guid", "organizationid")),
        *plain("boolean", "isdisabled", default=False),
        *plain("boolean", "isemailaddressapprovedbyo365admin", "islicensed", default=True),
        *plain("boolean", "isintegrationuser", "setupuser", default=False),
        picklist(
            "accessmode",
            {
                0: "Read-Write",
                1: "Administrative",
                2: "Read",
                3: "Support User",
                4: "Non-interactive",
                5: "Delegated Admin",
            },
            default=0,
        ),
        picklist("incomingemaildeliverymethod", INCOMING, default=0),
        picklist("outgoingemaildeliverymethod", OUTGOING, default=0),
        picklist("emailrouteraccessapproval", APPROVAL, default=0),
        *integers("timezoneruleversionnumber", "utcconversiontimezonecode", minimum=-1),
        lookup("businessunitid", ("businessunitid", "businessunit")),
        lookup("parentsystemuserid", ("parentsystemuserid", "systemuser")),
        lookup("defaultmailbox", ("defaultmailbox", "mailbox")),
        *audit_columns(),
    ),
)

MAILBOX = Table(
    name="mailbox",
    entity_set="mailboxes",
    primary_id="mailboxid",
    primary_name="name",
    label="Mailbox",
    type_code=9606,
    kind="personal",
    columns=(
        *primary_key("mailboxid"),
        *strings(name=200, emailaddress=100, username=200),
        lookup(
            "regardingobjectid",
            ("regardingobjectid", "systemuser"),
            ("regardingobjectid_queue", "queue"),
            indexed=True,
        ),
        picklist("incomingemaildeliverymethod", INCOMING, default=0),
        picklist("outgoingemaildeliverymethod", OUTGOING, default=0),
        picklist(
            "actdeliverymethod",
            {0: "Microsoft Dynamics 365 for Outlook", 1: "Server-Side Synchronization", 2: "None"},
            default=2,
        ),
        picklist("emailrouteraccessapproval", APPROVAL, default=0),
        *plain(
            "boolean", "enabledforact", "enabledforincomingemail", "enabledforoutgoingemail", default=True
        ),
        *plain("boolean", "isforwardmailbox", "processanddeleteemails", default=False),
        *plain("boolean", "isactsyncorgflagset", "orgmarkedasprimaryforexchangesync", default=False),
        *plain("boolean", "testemailconfigurationscheduled", "isserviceaccount", default=False),
        *plain("boolean", "isemailaddressapprovedbyo365admin", default=False),
        picklist("actstatus", TEST_RESULT, default=0),
        picklist("incomingemailstatus", TEST_RESULT, default=0),
        picklist("outgoingemailstatus", TEST_RESULT, default=0),
        *plain("datetime", "processemailreceivedafter", "postponemailboxprocessinguntil"),
        *read_only(*plain("datetime", "lastsuccessfulsynccompletedon", "lastsyncstartedon")),
        *owner_columns(),
        *audit_columns(imported=False),
        *states(*ACTIVE),
    ),
    state_defaults={0: 1, 1: 2},
)

BUSINESS_UNIT = Table(
    name="businessunit",
    entity_set="businessunits",
    primary_id="businessunitid",
    primary_name="name",
    label="Business Unit",
    type_code=10,
    kind="system",
    columns=(
        *primary_key("businessunitid"),
        *strings(name=160, divisionname=100, emailaddress=100),
        *plain("boolean", "isdisabled", default=False),
        lookup("parentbusinessunitid", ("parentbusinessunitid", "businessunit")),
        *read_only(lookup("organizationid", ("organizationid", "organization"))),
        *audit_columns(),
    ),
)

TEAM = Table(
    name="team",
    entity_set="teams",
    primary_id="teamid",
    primary_name="name",
    label="Team",
    type_code=9,
    kind="system",
    columns=(
        *primary_key("teamid"),
        *strings(name=160, emailaddress=100),
        *memos(description=2000),
        picklist("teamtype", {0: "Owner", 1: "Access"}, default=0),
        *read_only(*plain("boolean", "isdefault", default=False)),
        lookup("businessunitid", ("businessunitid", "businessunit")),
        lookup("administratorid", ("administratorid", "systemuser")),
        *audit_columns(),
    ),
)

TEAM_MEMBERSHIP = Table(
    name="teammembership",
    entity_set="teammemberships",
    primary_id="teammembershipid",
    primary_name="teammembershipid",
    label="Team Membership",
    type_code=23,
    kind="system",
    refused=EVERY_WRITE,
    columns=(
        *primary_key("teammembershipid"),
        *read_only(
            Column("systemuserid", "guid", indexed=True),
            Column("teamid", "guid", indexed=True),
            *plain("bigint", "versionnumber"),
        ),
    ),
)

ORGANIZATION = Table(
    name="organization",
    entity_set="organizations",
    primary_id="organizationid",
    primary_name="name",
    label="Organization",
    type_code=1019,
    kind="system",
    refused=frozenset({"Create", "Delete"}),
    columns=(
        *primary_key("organizationid"),
        *strings(name=160),
        *memos(orgdborgsettings=1_073_741_823),
        Column("expirechangetrackingindays", "integer", minimum=0, maximum=365, default=7),
        Column("pastexpansionwindow", "integer", minimum=1, maximum=120, default=3),
        Column("futureexpansionwindow", "integer", minimum=1, maximum=140, default=12),
        Column("recurrenceexpansionsynchcreatemax", "integer", minimum=1, maximum=1000, default=15),
        Column("recurrenceexpansionjobbatchsize", "integer", minimum=1, default=20),
        Column("recurrenceexpansionjobbatchinterval", "integer", minimum=0, default=4),
        Column("recurrencedefaultnumberofoccurrences", "integer", minimum=1, maximum=999, default=10),
        Column("maxappointmentdurationdays", "integer", minimum=1, maximum=10, default=10),
        Column("isappointmentattachmentsyncenabled", "boolean", default=False),
        Column("isassignedtaskssyncenabled", "boolean", default=False),
        Column("iscontactmailingaddresssyncenabled", "boolean", default=False),
        Column("appointmentricheditorexperience", "boolean", default=False),
        Column("isduplicatedetectionenabled", "boolean", default=True),
        Column("isduplicatedetectionenabledforonlinecreateupdate", "boolean", default=True),
        Column("blockedattachments", "memo", max_length=1_073_741_823, default=BLOCKED),
        Column("maxuploadfilesize", "integer", minimum=0, maximum=131_072_000, default=5_242_880),
        Column("localeid", "integer", default=1033),
        *audit_columns(imported=False),
    ),
)

"""The sample tenant in Dynamics: users, accounts, contacts and appointments with their parties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from local.tenant.days import when
from local.tenant.repeats import for_dataverse
from local.tenant.services import Service
from local.tenant.tenant import TenantUser

Json = Mapping[str, Any]
REQUIRED, OPTIONAL, ORGANIZER = 5, 6, 7
ENTITY_SETS = {"user": "systemusers", "contact": "contacts", "account": "accounts"}
PARTY_NAMES = {"user": "systemuser", "contact": "contact", "account": "account"}
OPEN_AND_FREE = [0, 1]


async def add_user(dataverse: Service, user: Json, exchange_id: str) -> str:
    """A user of Dynamics with the same address as the mailbox."""
    answer = await dataverse.set_up(
        "POST",
        "/users",
        {
            "internalemailaddress": user["address"],
            "fullname": user["name"],
            "azureactivedirectoryobjectid": exchange_id,
            "timeZone": user["timeZone"],
        },
    )
    return str(answer["systemuserid"])


async def add_account(dataverse: Service, account: Json, owner: TenantUser) -> str:
    return await _create(dataverse, "accounts", "accountid", {**account["row"], **_owned(owner)})


async def add_contact(dataverse: Service, contact: Json, owner: TenantUser, account_id: str) -> str:
    row = {
        **contact["row"],
        **_owned(owner),
        "parentcustomerid_account@odata.bind": f"/accounts({account_id})",
    }
    return await _create(dataverse, "contacts", "contactid", row)


async def add_appointment(
    dataverse: Service,
    appointment: Json,
    people: Mapping[str, Mapping[str, str]],
    owner: TenantUser,
    now: datetime,
) -> str:
    """``people`` gives ids by kind (user, contact, account) and short name. A state other than open is
    set afterwards: Dataverse takes none with a create."""
    if "repeats" in appointment:
        return await _add_series(dataverse, appointment, people, owner, now)
    row: dict[str, Any] = {
        **appointment["row"],
        **_owned(owner),
        **when(appointment["when"], now, owner.time_zone).for_dataverse(),
        "appointment_activity_parties": _parties(appointment, people),
    }
    for kind, key in appointment.get("regarding", {}).items():
        row[f"regardingobjectid_{kind}_appointment@odata.bind"] = _reference(kind, key, people)
    made = await _create(dataverse, "appointments", "activityid", row)
    if appointment["status"] != OPEN_AND_FREE:
        state, status = appointment["status"]
        await dataverse.ask("PATCH", f"/appointments({made})", {"statecode": state, "statuscode": status})
    return made


async def _add_series(
    dataverse: Service,
    series: Json,
    people: Mapping[str, Mapping[str, str]],
    owner: TenantUser,
    now: datetime,
) -> str:
    """As its owner, in whose zone it is expanded."""
    row = {
        **series["row"],
        **for_dataverse(series["repeats"], when(series["when"], now, owner.time_zone)),
        "recurringappointmentmaster_activity_parties": _parties(series, people),
    }
    headers = {"CallerObjectId": owner.exchange_id}
    return await _create(dataverse, "recurringappointmentmasters", "activityid", row, headers)


async def organization_id(dataverse: Service) -> str:
    return str((await dataverse.ask("GET", "/WhoAmI"))["OrganizationId"])


def _parties(appointment: Json, people: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    organizer = [{"user": appointment["organizer"]}] if "organizer" in appointment else []
    described: Sequence[tuple[int, Sequence[Json]]] = (
        (ORGANIZER, organizer),
        (REQUIRED, appointment.get("required", ())),
        (OPTIONAL, appointment.get("optional", ())),
    )
    return [
        {"participationtypemask": mask, **_party(party, people)}
        for mask, parties in described
        for party in parties
    ]


def _party(party: Json, people: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    ((kind, key),) = party.items()
    if kind == "address":
        return {"addressused": key}
    return {f"partyid_{PARTY_NAMES[kind]}@odata.bind": _reference(kind, key, people)}


def _reference(kind: str, key: str, people: Mapping[str, Mapping[str, str]]) -> str:
    return f"/{ENTITY_SETS[kind]}({people[kind][key]})"


def _owned(owner: TenantUser) -> dict[str, str]:
    return {"ownerid@odata.bind": f"/systemusers({owner.user_id})"}


async def _create(
    dataverse: Service, entity_set: str, id_column: str, row: Json, headers: Mapping[str, str] | None = None
) -> str:
    headers = {"Prefer": "return=representation", **(headers or {})}
    made = await dataverse.ask("POST", f"/{entity_set}", row, headers=headers)
    return str(made[id_column])

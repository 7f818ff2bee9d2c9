"""Activity parties: the list a caller sets, and the owner and regarding rows the server adds."""

from __future__ import annotations

from uuid import uuid4

from local.dataverse.errors import refuse
from local.dataverse.schema import PartyRules, Table
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES

REGARDING, OWNER = 8, 9
IMPLICIT = {REGARDING: "regardingobjectid", OWNER: "ownerid"}
COPIED = ("scheduledstart", "scheduledend", "instancetypecode", "ownerid")


class Parties:
    """Party rows of activities. Setting the list replaces every settable row, under new ids."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = TABLES["activityparty"]

    def check(self, table: Table, drafts: list[Row]) -> None:
        """Refuse what the activity's rules do not allow, before anything is written."""
        rules = table.parties
        if rules is None:
            raise refuse("InvalidArgument", message=f"{table.name} has no parties.")
        for draft in drafts:
            _check_one(rules, draft)
            self._check_exists(draft)
        for mask in rules.single:
            if sum(1 for draft in drafts if draft["participationtypemask"] == mask) > 1:
                raise refuse("InvalidArgument", message=f"Only one party may have participation type {mask}.")

    def replace(self, table: Table, activity: Row, drafts: list[Row]) -> None:
        for party in self.of(activity[table.primary_id]):
            if party["participationtypemask"] not in IMPLICIT:
                self._store.remove(self._table, party["activitypartyid"])
        for draft in drafts:
            self._insert(table, activity, self._with_address(draft))

    def follow(self, table: Table, activity: Row) -> None:
        """Make the implicit rows and the copied columns agree with the activity."""
        if table.parties is None:
            return
        present = self.of(activity[table.primary_id])
        for mask, column in IMPLICIT.items():
            wanted = activity.get(column)
            rows = [party for party in present if party["participationtypemask"] == mask]
            if [row["partyid"] for row in rows] == ([wanted] if wanted else []):
                continue
            for row in rows:
                self._store.remove(self._table, row["activitypartyid"])
            if wanted:
                self._insert(
                    table, activity, self._with_address({"partyid": wanted, "participationtypemask": mask})
                )
        for party in self.of(activity[table.primary_id]):
            copied = {column: activity.get(column) for column in COPIED}
            if any(party.get(column) != value for column, value in copied.items()):
                self._store.put(self._table, {**party, **copied})

    def of(self, activity_id: str) -> list[Row]:
        rows = self._store.referring("activityparty", "activityid", activity_id)
        return sorted(rows, key=lambda row: (row["participationtypemask"], row["versionnumber"]))

    def remove_all(self, activity_id: str) -> None:
        for party in self.of(activity_id):
            self._store.remove(self._table, party["activitypartyid"])

    def target_deleted(self, target_id: str) -> None:
        """A deleted contact stays a party in name; the activity itself does not change."""
        for party in self._store.referring("activityparty", "partyid", target_id):
            self._store.put(self._table, {**party, "ispartydeleted": True})

    def _insert(self, table: Table, activity: Row, draft: Row) -> None:
        defaults = {column.name: column.default for column in self._table.columns}
        copied = {column: activity.get(column) for column in COPIED}
        row_id = str(uuid4())
        reference = [table.name, activity[table.primary_id]]
        self._store.put(
            self._table, {**defaults, **copied, **draft, "activitypartyid": row_id, "activityid": reference}
        )

    def _with_address(self, draft: Row) -> Row:
        """The address is written down once: a later change of the contact's e-mail leaves it alone."""
        if draft.get("addressused") or not draft.get("partyid"):
            return draft
        kind, target_id = draft["partyid"]
        column = TABLES[kind].address_column
        target = self._store.get(kind, target_id) or {}
        return {**draft, "addressused": target.get(column) if column else None}

    def _check_exists(self, draft: Row) -> None:
        if draft.get("partyid") and self._store.get(*draft["partyid"]) is None:
            kind, target_id = draft["partyid"]
            raise refuse("NotFound", table=kind, id=target_id)


def _check_one(rules: PartyRules, draft: Row) -> None:
    mask = draft.get("participationtypemask")
    if mask is None or mask not in rules.masks:
        raise refuse("InvalidArgument", message=f"Participation type {mask} cannot be set on this activity.")
    if draft.get("partyid"):
        target = draft["partyid"][0]
        if target not in rules.masks[mask]:
            raise refuse("PartyTableNotAllowed", target=target, mask=mask)
    elif not draft.get("addressused"):
        raise refuse("PartyWithoutTarget", message=f"(participation type {mask})")
    elif mask not in rules.unresolved:
        raise refuse("PartyTableNotAllowed", target="unresolved address", mask=mask)

"""Which fields of a contact or task travel in this mailbox, which way, and how they cross over (FLD-13 to
FLD-35)."""

from __future__ import annotations

from shared.model.decision import Skip
from shared.model.personal import CONTACT, DynamicsRecord, ExchangeItem, FieldRights
from shared.model.profile import ContactAddresses
from shared.model.values import Direction, Side, Value
from shared.rules import contact_crossing, field_table, regarding, task_crossing
from shared.rules.field_table import FieldRow
from shared.rules.merge import Crossing
from shared.rules.situation import Context
from shared.rules.skips import Reason


def fields_of(table: str, context: Context) -> tuple[FieldRow, ...]:
    """Those that the profile lets travel. The others stay unknown to the base, so that turning one on later
    brings over what is there."""
    return tuple(row for row in field_table.of_entity(table) if row.merged and _is_on(row, context))


def _is_on(row: FieldRow, context: Context) -> bool:
    """CONT-2: home and other address only with three addresses; CONT-6: users may forbid Company."""
    if row.setting == "contactAddresses":
        return context.profile.contact_addresses is ContactAddresses.THREE
    if row.setting == "companyFromParent":
        return context.profile.company_from_parent
    return True


def direction_of(row: FieldRow, context: Context, rights: FieldRights) -> Direction:
    """The administrator's or the default direction, as far as field security leaves it open: what the user
    may not read is not sent, what he may not write stays in Exchange (FLD-35)."""
    chosen = field_table.direction_in(row, context.profile.directions)
    if set(row.dynamics) & rights.unreadable:
        return Direction.NONE
    if set(row.dynamics) & rights.not_updatable:
        return Direction.TO_EXCHANGE if chosen.reaches(Side.EXCHANGE) else Direction.NONE
    return chosen


def may_create(row: FieldRow, context: Context, rights: FieldRights) -> bool:
    """Whether a row that is made from an Exchange item gets this field."""
    chosen = field_table.direction_in(row, context.profile.directions)
    return chosen.reaches(Side.DYNAMICS) and not set(row.dynamics) & rights.not_creatable


def closed_fields(table: str, rights: FieldRights) -> frozenset[str]:
    """Those that the user may not write in Dynamics (FLD-35)."""
    closed = rights.unreadable | rights.not_updatable
    return frozenset(row.name for row in field_table.of_entity(table) if set(row.dynamics) & closed)


def why_held(row: FieldRow, rights: FieldRights) -> Skip:
    """Why a change of this field does not travel."""
    if set(row.dynamics) & rights.unreadable:
        return Reason.SECURED.skip(detail="read", fields=(row.name,))
    if set(row.dynamics) & (rights.not_updatable | rights.not_creatable):
        return Reason.SECURED.skip(detail="change", fields=(row.name,))
    return Reason.DIRECTION.skip(fields=(row.name,))


def crossing(
    row: FieldRow, item: ExchangeItem | None, record: DynamicsRecord | None, context: Context
) -> Crossing:
    if row.entity == CONTACT:
        return contact_crossing.crossing(row, item, record)
    return task_crossing.crossing(row, item, record, context.zone, context.now)


def fits(row: FieldRow, value: Value) -> bool:
    """Whether Dynamics takes a value of Exchange, whole or cut."""
    if row.entity == CONTACT:
        return contact_crossing.fits(row, value)
    return row.kind != "regarding" or value is None or regarding.is_known(value)


def losses_to_exchange(row: FieldRow, value: Value) -> list[Skip]:
    """What of a Dynamics value Exchange does not take."""
    return [] if row.entity == CONTACT else task_crossing.losses_to_exchange(row, value)


def losses(row: FieldRow, value: Value) -> list[Skip]:
    """What of an Exchange value Dynamics does not take, for people to know."""
    if row.entity == CONTACT:
        return contact_crossing.losses(row, value)
    if not fits(row, value):
        return [Reason.UNKNOWN_REGARDING.skip(fields=(row.name,))]
    return task_crossing.losses(row, value)

"""Series travel both ways over the whole road, with their exceptions, and mail only whom they must."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from tests.marks import rule
from tests.wire.road import (
    CATEGORY,
    Person,
    Road,
    address_party,
    guests_of,
    party,
    running_road,
    text_of,
)
from tests.wire.road_series import (
    MASTER_PARTIES,
    MASTER_TYPE,
    MONTHLY,
    YEARLY,
    ZONE,
    Team,
    all_day_columns,
    at_nine,
    columns_of,
    graph_days,
    graph_times,
    last_friday,
    local,
    local_times,
    mask,
    months_after,
    next_change,
    numbered,
    row_times,
    weekly,
    weekly_columns,
)

DAY, WEEK = timedelta(days=1), timedelta(days=7)
FRIDAY = 32
LAST = 5
LOGICAL = "DistinctPhysicalAndLogicalDeletesForExchangeSync"


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("road") / "rig") as started:
        yield started


@pytest.fixture(scope="module")
def everybody(road: Road) -> list[Person]:
    people = [road.person(name, ZONE, subscribed=False) for name in ("ann", "bob", "cyd")]
    road.subscribe(*people)
    return people


@pytest.fixture
def ann(road: Road, everybody: list[Person]) -> Team:
    return Team(road, everybody[0])


@pytest.fixture(scope="module")
def first(road: Road) -> date:
    """Four days before the clocks change."""
    return next_change(road.now()) - 4 * DAY


@pytest.fixture(autouse=True)
def _empty_outbox(road: Road) -> None:
    road.outbox()


def weeks(first: date, count: int = 4) -> list[date]:
    return [first + number * WEEK for number in range(count)]


@rule("APPT-28", "APPT-35", "APPT-36")
def test_a_series_of_exchange_stays_at_nine_and_its_exceptions_follow(
    road: Road, ann: Team, first: date
) -> None:
    days, guest = weeks(first), road.outsider()
    event = ann.add(weekly(first), guest)
    road.settle()
    row = ann.row_of(event)
    assert local_times(ann.occurrences(event)) == local_times(ann.instances(row)) == at_nine(days)
    assert road.outbox() == [("invitation", [guest])]
    ann.edit(ann.occurrence(event, 1), **graph_times(days[1] + DAY, 14))
    ann.edit(ann.occurrence(event, 2), subject="With the board")
    ann.cancel(ann.occurrence(event, 3))
    assert [kind for kind, _ in road.outbox()] == ["update", "update", "cancellation"]
    road.settle()
    rows = ann.instances(row)
    assert local_times(rows) == [f"{days[0]} 09:00", f"{days[1] + DAY} 14:00", f"{days[2]} 09:00"]
    assert [r["subject"] for r in rows] == ["Team meeting", "Team meeting", "With the board"]
    assert road.outbox() == []
    changed = [r for r in road.history(ann.person, event) if "With the board" in str(r.get("after"))]
    assert [r["before"]["subject"] for r in changed] == ["Team meeting"]
    moved = [r for r in road.history(ann.person, event) if "time" in r.get("before", {})]
    were = sorted(r["before"]["time"]["start"] for r in moved)
    assert were == [text_of(local(day, 9)) for day in (days[1], days[3])]  # one moved, one deleted


@rule("APPT-28", "APPT-35", "APPT-36", "APPT-22")
def test_a_series_of_dynamics_invites_once_and_its_instances_mail_as_they_change(
    road: Road, ann: Team, first: date
) -> None:
    days, guest = weeks(first, 5), road.outsider()
    row = ann.add_row(weekly_columns(first, 5), guest)
    rows = ann.instances(row)
    ann.change_instance(rows[1], **row_times(days[1], 15))
    ann.delete_instance(rows[2])
    road.settle()
    event = ann.event_of(row)["id"]
    moved = f"{days[1]} 15:00"
    assert local_times(ann.occurrences(event)) == [*at_nine(days[:1]), moved, *at_nine(days[3:])]
    # Exchange sends one message for the series and one for each occurrence that differs from it.
    assert road.outbox() == [("invitation", [guest])] * 2
    rows = ann.instances(row)
    ann.change_instance(rows[1], location="Room 9")
    ann.change_instance(rows[2], subject="With the board", **row_times(days[3] + DAY, 11))
    ann.delete_instance(rows[3])
    road.settle()
    occurrences = ann.occurrences(event)
    assert local_times(occurrences) == [*at_nine(days[:1]), moved, f"{days[3] + DAY} 11:00"]
    assert [o["subject"] for o in occurrences] == ["Visit", "Visit", "With the board"]
    assert [o["location"]["displayName"] for o in occurrences] == ["", "Room 9", ""]
    assert sorted(road.outbox()) == [("cancellation", [guest]), *[("update", [guest])] * 2]


@rule("APPT-28", "APPT-34")
def test_a_new_pattern_of_either_side_is_the_other_sides_new_pattern(
    road: Road, ann: Team, first: date
) -> None:
    guest, after = road.outsider(), weeks(first + DAY)
    event = ann.add(weekly(first))
    row = ann.add_row(weekly_columns(first), guest, subject="Patterned")
    ann.edit(ann.occurrence(event, 1), subject="Once")
    ann.change_instance(ann.instances(row)[1], subject="Once")
    road.settle()
    other, made = ann.row_of(event), ann.event_of(row)["id"]
    assert "Once" in {r["subject"] for r in ann.instances(other)} & {
        r["subject"] for r in ann.occurrences(made)
    }
    road.outbox()
    ann.edit(event, recurrence=weekly(first + DAY), **graph_times(first + DAY, 9))
    ann.change_master(row, patternstartdate=text_of(local(first + DAY, 0)), daysofweekmask=mask(first + DAY))
    road.settle()
    for one, two in ((event, other), (made, row)):
        occurrences, instances = ann.occurrences(one), ann.instances(two)
        assert local_times(occurrences) == local_times(instances) == at_nine(after)
        assert "Once" not in {r["subject"] for r in (*occurrences, *instances)}
    assert road.outbox() == [("update", [guest])]
    assert [m["activityid"] for m in ann.masters() if m["subject"] == "Patterned"] == [row]


def fridays(first: date, count: int = 4) -> list[date]:
    return [last_friday(months_after(first, number)) for number in range(count)]


@rule("APPT-28", "APPT-34", "APPT-36")
def test_monthly_yearly_and_all_day_series_go_both_ways(road: Road, ann: Team, first: date) -> None:
    month = months_after(first, 1)
    yearly = {"type": "absoluteYearly", "month": month.month, "dayOfMonth": 9}
    ninth = month.replace(day=9)
    relative = {"type": "relativeMonthly", "daysOfWeek": ["friday"], "index": "last"}
    daily = {"type": "daily"}
    born_here = [
        ann.add(numbered(fridays(month)[0], 4, **relative)),
        ann.add(numbered(ninth, 2, **yearly)),
        ann.add(numbered(first, 6, **daily), **graph_days(first)),
    ]
    born_there = [
        ann.add_row(
            columns_of(
                fridays(month)[0],
                4,
                recurrencepatterntype=MONTHLY,
                isnthmonthly=True,
                instance=LAST,
                daysofweekmask=FRIDAY,
            )
        ),
        ann.add_row(
            columns_of(ninth, 2, recurrencepatterntype=YEARLY, monthofyear=month.month, dayofmonth=9)
        ),
        ann.add_row(all_day_columns(first, 6, recurrencepatterntype=0)),
    ]
    road.settle()
    shown = [(event, ann.row_of(event)) for event in born_here]
    shown += [(ann.event_of(row)["id"], row) for row in born_there]
    expected = [
        at_nine(fridays(month)),
        at_nine([ninth, ninth.replace(year=ninth.year + 1)]),
        at_nine([first + n * DAY for n in range(6)], "00:00"),
    ]
    for (event, row), times in zip(shown, [*expected, *expected], strict=True):
        assert local_times(ann.occurrences(event)) == times
        reached = len(ann.instances(row))
        assert local_times(ann.instances(row)) == times[:reached]
        assert reached == len(times) or times is expected[1]  # Dynamics expands a year ahead
    kinds = [o["isAllDay"] for event, _ in (shown[2], shown[5]) for o in ann.occurrences(event)]
    kinds += [r["isalldayevent"] for _, row in (shown[2], shown[5]) for r in ann.instances(row)]
    assert kinds == [True] * 24
    assert road.outbox() == []


@rule("APPT-25", "APPT-30")
def test_a_series_deleted_on_either_side_goes_with_one_cancellation(
    road: Road, ann: Team, first: date
) -> None:
    guest = road.outsider()
    event = ann.add(weekly(first), guest)
    row = ann.add_row(weekly_columns(first), guest)
    road.settle()
    other, made = ann.row_of(event), ann.event_of(row)["id"]
    road.outbox()
    road.delete_event(ann.person, event)
    assert road.outbox() == [("cancellation", [guest])]
    ann.delete_master(row)
    road.settle()
    assert ann.master(other) is None
    assert ann.instances(other) == ann.instances(row) == []
    assert {e["id"] for e in road.events(ann.person)}.isdisjoint({event, made})
    assert road.outbox() == [("cancellation", [guest])]


@rule("APPT-28")
def test_single_items_become_series_on_either_side_and_single_again(
    road: Road, ann: Team, first: date
) -> None:
    guest, subject = road.outsider(), "Turning"
    event = road.add_event(ann.person, guest, subject=subject, **graph_times(first, 9))
    begin = local(first, 9)
    times = {"scheduledstart": text_of(begin), "scheduledend": text_of(begin + timedelta(hours=1))}
    row = road.add_appointment(ann.person, address_party(5, guest), subject="Repeated", **times)
    road.settle()
    single = ann.row_of(event)
    made = ann.event_of(row)["id"]
    road.outbox()
    ann.edit(event, recurrence=weekly(first))
    pattern = {k: v for k, v in weekly_columns(first).items() if k not in ("starttime", "endtime")}
    target = {"Target": {"@odata.type": MASTER_TYPE, **pattern}}
    path = f"/appointments({row})/Microsoft.Dynamics.CRM.AddRecurrence"
    series = ann.ask("POST", path, target)["activityid"]
    assert road.outbox() == [("update", [guest])]
    road.settle()
    assert road.appointment(single) is None
    assert local_times(ann.instances(ann.row_of(event))) == at_nine(weeks(first))
    assert ann.event_of(series)["id"] == made
    assert local_times(ann.occurrences(made)) == at_nine(weeks(first))
    assert road.outbox() == [("update", [guest])]
    became = ann.row_of(event)
    ann.edit(event, recurrence=None)
    road.outbox()
    road.settle()
    assert ann.master(became) is None
    assert [r["activityid"] for r in ann.singles() if r["subject"] == subject] == [ann.row_of(event)]
    assert road.outbox() == []


@rule("APPT-32", "APPT-33", "APPT-34")
def test_the_past_is_not_made_again_and_nobody_is_invited_again(road: Road, ann: Team) -> None:
    guest = road.outsider()
    begun = road.now().date() - 4 * WEEK + DAY
    event = ann.add(weekly(begun, 10), guest, tracked=False, subject="Begun")
    road.delete_event(ann.person, ann.occurrence(event, 1))
    road.outbox()
    ann.edit(event, categories=[CATEGORY])
    road.settle()
    row = ann.row_of(event)
    days = weeks(begun, 10)
    remaining = at_nine([days[0], *days[2:]])
    assert local_times(ann.instances(row)) == local_times(ann.occurrences(event)) == remaining
    assert road.outbox() == []
    ann.delete_instance(ann.instances(row)[0])
    road.settle()
    assert local_times(ann.occurrences(event)) == remaining
    assert road.outbox() == []
    ann.change_master(row, **weekly_columns(begun, 10, hour=11))
    road.settle()
    assert [e["subject"] for e in road.events(ann.person)].count("Begun") == 1
    assert road.outbox() == [("update", [guest])]
    assert all(
        time.endswith("11:00") for time in local_times(ann.occurrences(event)) if time > str(road.now())
    )


@rule("APPT-6", "SET-7")
def test_a_series_tracked_in_three_mailboxes_is_one_row_in_whatever_order(
    road: Road, everybody: list[Person], first: date
) -> None:
    boss = Team(road, everybody[0])
    guests = [p.address for p in everybody[1:]]
    orders = [(0, 1, 2), (2, 1, 0), (1, 2, 0)]
    stories = []
    for number, order in enumerate(orders):
        subject = f"Joint {number}"
        event = boss.add(weekly(first), *guests, tracked=False, subject=subject)
        boss.edit(boss.occurrence(event, 1), subject=f"{subject}, once")
        copies = [next(e["id"] for e in road.events(p) if e["subject"] == subject) for p in everybody]
        stories.append((subject, order, copies))
    outside = road.outsider("boss")
    recurrence = {"recurrence": weekly(first), **graph_times(first, 9)}
    copies = road.deliver(outside, *everybody, subject="From outside", **recurrence)
    stories.append(("From outside", (1, 0, 2), copies))
    road.outbox()
    for _, order, ids in stories:
        for number in order:
            road.edit_event(everybody[number], ids[number], categories=[CATEGORY])
    road.settle()
    everywhere = [row for p in everybody for row in Team(road, p).masters()]
    for subject, _, ids in stories:
        (row,) = [r for r in everywhere if r["subject"] == subject]
        marked = {Team(road, p).row_of(event) for p, event in zip(everybody, ids, strict=True)}
        assert marked == {row["activityid"]}
        instances = boss.instances(row["activityid"])
        assert (subject, local_times(instances)) == (subject, at_nine(weeks(first)))
        once = subject if subject == "From outside" else f"{subject}, once"
        assert [i["subject"] for i in instances] == [subject, once, subject, subject]
    assert road.outbox() == []
    _, _, (event, _, copy) = stories[0]
    row = boss.row_of(event)
    road.delete_event(everybody[2], copy)
    boss.change_instance(boss.instances(row)[2], subject="Changed in Dynamics")
    road.outbox()
    road.settle()
    assert boss.occurrences(event)[2]["subject"] == "Changed in Dynamics"
    assert road.outbox() == [("update", sorted(guests))]


@rule("APPT-28", "APPT-36")
def test_a_series_of_another_zone_keeps_it_and_the_difference_is_told(
    road: Road, ann: Team, first: date
) -> None:
    """Dynamics keeps no zone with a series: on Berlin's clocks it stays at the hour of its first day."""
    pacific = {
        name: {"dateTime": f"{first}T{hour}:00:00", "timeZone": "Pacific Standard Time"}
        for name, hour in (("start", "09"), ("end", "10"))
    }
    event = ann.add(weekly(first), subject="Across", **pacific)
    road.settle()
    row, before = ann.row_of(event), local_times(ann.occurrences(event))
    hour = before[0][-5:]
    assert local_times(ann.instances(row)) == at_nine(weeks(first), hour)
    assert before != at_nine(weeks(first), hour)
    told = [r["reason"] for r in road.history(ann.person, event) if r["action"] == "skip"]
    assert any("clocks" in reason for reason in told), told
    ann.edit(ann.occurrence(event, 2), subject="Renamed in Exchange")
    ann.change_instance(ann.instances(row)[3], location="Room 9")
    road.settle()
    assert local_times(ann.occurrences(event)) == before
    assert local_times(ann.instances(row)) == at_nine(weeks(first), hour)
    assert ann.instances(row)[2]["subject"] == "Renamed in Exchange"
    assert ann.occurrences(event)[3]["location"]["displayName"] == "Room 9"
    shown = road.event(ann.person, event)
    assert shown is not None
    assert shown["originalStartTimeZone"] == "Pacific Standard Time"


@rule("APPT-4", "SET-1")
def test_a_new_organizer_has_a_series_of_the_own_and_the_setting_keeps_the_old_one(
    road: Road, everybody: list[Person], first: date
) -> None:
    ann, bob = (Team(road, person) for person in everybody[:2])
    guests = [road.outsider(), road.outsider()]
    rows = [ann.add_row(weekly_columns(first), guest, subject="Handed over") for guest in guests]
    road.settle()
    events = [ann.event_of(row)["id"] for row in rows]
    assert sorted(road.outbox()) == sorted(("invitation", [guest]) for guest in guests)
    for row, event, guest, distinct in zip(rows, events, guests, (True, False), strict=True):
        road.organization(orgdborgsettings={LOGICAL: distinct})
        new = {
            "ownerid@odata.bind": f"/systemusers({bob.person.user})",
            MASTER_PARTIES: [party(7, "systemuser", bob.person.user), address_party(5, guest)],
        }
        ann.change_master(row, **new)
        road.settle()
        made = bob.event_of(row)
        assert (made["isOrganizer"], guests_of(made)) == (True, [guest])
        assert local_times(bob.occurrences(made["id"])) == at_nine(weeks(first))
        assert (road.event(ann.person, event) is not None) is distinct
        cancelled = [] if distinct else [("cancellation", [guest])]
        assert sorted(road.outbox()) == sorted([("invitation", [guest]), *cancelled])


@rule("APPT-36")
def test_explain_and_preview_know_a_series_and_its_occurrences_by_any_id(
    road: Road, ann: Team, first: date
) -> None:
    event = ann.add(weekly(first), subject="Explained")
    ann.edit(ann.occurrence(event, 1), subject="Once")
    road.settle()
    row = ann.row_of(event)
    occurrences, instances = ann.occurrences(event), ann.instances(row)
    ids = (
        *(event, row),
        *(each["id"] for each in occurrences[:2]),
        *(each["activityid"] for each in instances[:2]),
    )
    for item in ids:
        told = road.explain(ann.person, item)
        assert (told["found"], told["item"]["exchange"], told["item"]["dynamics"]) == (True, event, row)
        assert (told["link"]["state"], told["actions"]) == ("linked", [])
    road.admin("POST", f"/mailboxes/{ann.person.mailbox}/pause")
    try:
        ann.change_instance(instances[2], subject="Changed in Dynamics")
        told_of = [road.explain(ann.person, item)["actions"] for item in ids]
        (action,) = told_of[0]
        assert (action["side"], action["kind"]) == ("exchange", "update")
        assert "APPT-36" in action["rules"]
        assert told_of == [[action]] * len(ids)
        shown = [a for a in road.preview(ann.person)["actions"] if a["item"]["exchange"] == event]
        assert shown == [action]
    finally:
        road.admin("POST", f"/mailboxes/{ann.person.mailbox}/resume")
    road.settle()
    assert ann.occurrences(event)[2]["subject"] == "Changed in Dynamics"

"""Role ``worker``: the timers and the queues."""

from __future__ import annotations

import logging
from datetime import timedelta

import azure.functions as func

from shared import wiring
from shared.errors import SyncError
from shared.functions.adapting import waited_seconds
from shared.jobs import messages
from shared.lane import Lane, working_in
from shared.mailboxes import (
    alerts,
    dead_letters,
    feed_jobs,
    jobs_of_mailbox,
    overview,
    renewals,
    scheduling,
)

blueprint = func.Blueprint()
log = logging.getLogger("sync.worker")


@blueprint.function_name("due_mailboxes")
@blueprint.timer_trigger(arg_name="timer", schedule="%DUE_MAILBOXES_SCHEDULE%", use_monitor=True)
async def due_mailboxes(timer: func.TimerRequest) -> None:
    """The net: ask for a pass of every mailbox whose time has come."""
    del timer
    services = await wiring.services()
    begun = services.now()
    await scheduling.due_mailboxes(services)
    await overview.measure_mailboxes(services, begun)


@blueprint.function_name("dynamics_feed")
@blueprint.timer_trigger(arg_name="timer", schedule="%DYNAMICS_FEED_SCHEDULE%", use_monitor=True)
async def dynamics_feed(timer: func.TimerRequest) -> None:
    """Ask for a reading of the Dynamics change feed."""
    del timer
    services = await wiring.services()
    await services.jobs.read_feed(wiring.feed_session(wiring.settings()), "net", services.now())


@blueprint.function_name("renew_subscriptions")
@blueprint.timer_trigger(arg_name="timer", schedule="%RENEW_SUBSCRIPTIONS_SCHEDULE%", use_monitor=True)
async def renew_subscriptions(timer: func.TimerRequest) -> None:
    """Renew subscriptions before they end, make missing ones anew; try broken mailboxes; drop history past
    its retention."""
    del timer
    services = await wiring.services()
    await renewals.renew_all(services)
    await scheduling.try_broken(services)
    await overview.measure_subscriptions(services)
    before = services.now() - timedelta(days=wiring.settings().history_days)
    await services.history.drop_old(before)
    await services.dead_letters.drop_old(before)


@blueprint.function_name("watch")
@blueprint.timer_trigger(arg_name="timer", schedule="%WATCH_SCHEDULE%", use_monitor=True)
async def watch(timer: func.TimerRequest) -> None:
    """Record the jobs that died, then raise and clear alerts, also when a queue cannot be read."""
    del timer
    services = await wiring.services()
    try:
        await dead_letters.drain_all(services, await wiring.dead_letters())
    finally:
        await alerts.look(services)


@blueprint.function_name("mailbox_sync")
@blueprint.service_bus_queue_trigger(
    arg_name="message", queue_name="mailbox-sync", connection="ServiceBus", is_sessions_enabled=True
)
async def mailbox_sync(message: func.ServiceBusMessage) -> None:
    """One pass of one mailbox, in its session."""
    with working_in(Lane.SYNC):
        await _mailbox(message)


@blueprint.function_name("mailbox_bulk")
@blueprint.service_bus_queue_trigger(
    arg_name="message", queue_name="mailbox-bulk", connection="ServiceBus", is_sessions_enabled=True
)
async def mailbox_bulk(message: func.ServiceBusMessage) -> None:
    """A slice of the first sync of one mailbox, in its session."""
    with working_in(Lane.BULK):
        await _mailbox(message)


async def _mailbox(message: func.ServiceBusMessage) -> None:
    """A worker that starts while tables cannot be reached puts its jobs off: to fail would bring each of them
    back at once, ten times, and then it would be dead."""
    job = messages.job(message.get_body(), message.session_id)
    try:
        services = await wiring.services()
    except SyncError as error:
        log.warning("not ready: %s %s", type(error).__name__, error.code)
        await jobs_of_mailbox.put_off(await wiring.jobs(), job, wiring.now()())
        return
    waited = waited_seconds(message.enqueued_time_utc, services.now())
    await jobs_of_mailbox.run(services, job, waited)


@blueprint.function_name("dynamics_feed_router")
@blueprint.service_bus_queue_trigger(
    arg_name="message", queue_name="dynamics-feed", connection="ServiceBus", is_sessions_enabled=True
)
async def dynamics_feed_router(message: func.ServiceBusMessage) -> None:
    """One reading of the change feed, in the organization's session. While tables cannot be reached it is
    left to the net's next asking."""
    job = messages.feed_job(message.get_body(), message.session_id)
    try:
        services = await wiring.services()
    except SyncError as error:
        log.warning("not ready: %s %s", type(error).__name__, error.code)
        return
    await feed_jobs.run(services, job)

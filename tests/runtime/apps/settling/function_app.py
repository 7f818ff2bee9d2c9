"""A sample app for the rig's tests: the triggers and admin routes that the rig drives, with planned work.

``POST /api/plan`` says what the next passes do: change a stand-in, schedule a later job, fail.
"""

import json
import os
import uuid
from datetime import UTC, datetime, timedelta

import azure.functions as func
import httpx
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
MAILBOXES = [
    {"id": "m1", "state": "active"},
    {"id": "m2", "state": "paused"},
    {"id": "m3", "state": "active"},
]
PLAN: list[dict[str, object]] = []
PASSES: list[dict[str, object]] = []
TIMERS: list[str] = []


@app.timer_trigger(arg_name="timer", schedule="%DUE_MAILBOXES_SCHEDULE%")
async def due_mailboxes(timer: func.TimerRequest) -> None:
    TIMERS.append("due_mailboxes")


@app.timer_trigger(arg_name="timer", schedule="%DYNAMICS_FEED_SCHEDULE%")
async def dynamics_feed(timer: func.TimerRequest) -> None:
    TIMERS.append("dynamics_feed")


@app.timer_trigger(arg_name="timer", schedule="%RENEW_SUBSCRIPTIONS_SCHEDULE%")
async def renew_subscriptions(timer: func.TimerRequest) -> None:
    TIMERS.append("renew_subscriptions")


@app.service_bus_queue_trigger(
    arg_name="message", connection="ServiceBus", queue_name="mailbox-sync", is_sessions_enabled=True
)
async def mailbox_sync(message: func.ServiceBusMessage) -> None:
    PASSES.append({"session": message.session_id, **json.loads(message.get_body())})
    step = PLAN.pop(0) if PLAN else {}
    if "user" in step:
        await _change_dynamics(str(step["user"]))
    if "later" in step:
        await _schedule(str(message.session_id), float(str(step["later"])))
    if "fail" in step:
        PLAN.insert(0, step)
        raise ValueError("told to fail")


@app.route(route="{surface:regex(^admin$)}/mailboxes", methods=["GET"])
async def list_mailboxes(req: func.HttpRequest) -> func.HttpResponse:
    """One mailbox a page."""
    page = int(req.params.get("page", "0"))
    answer: dict[str, object] = {"value": MAILBOXES[page : page + 1]}
    if page + 1 < len(MAILBOXES):
        answer["nextLink"] = f"{os.environ['PUBLIC_BASE_URL']}/api/admin/mailboxes?page={page + 1}"
    return func.HttpResponse(json.dumps(answer))


@app.route(route="plan", methods=["POST"])
async def plan(req: func.HttpRequest) -> func.HttpResponse:
    PLAN.extend(req.get_json())
    return func.HttpResponse(status_code=202)


@app.route(route="seen")
async def seen(req: func.HttpRequest) -> func.HttpResponse:
    settings = {name: value for name, value in os.environ.items() if name.isupper() or name == "ServiceBus"}
    return func.HttpResponse(json.dumps({"passes": PASSES, "timers": TIMERS, "settings": settings}))


async def _change_dynamics(address: str) -> None:
    body = {"internalemailaddress": address, "fullname": "Somebody"}
    async with httpx.AsyncClient() as client:
        response = await client.post(f"{os.environ['DATAVERSE_URL']}/_control/users", json=body)
        response.raise_for_status()


async def _schedule(session: str, seconds: float) -> None:
    job = ServiceBusMessage(
        json.dumps({"mailbox": session, "cause": "later"}),
        session_id=session,
        message_id=str(uuid.uuid4()),
        scheduled_enqueue_time_utc=datetime.now(UTC) + timedelta(seconds=seconds),
    )
    async with (
        ServiceBusClient.from_connection_string(os.environ["ServiceBus"]) as client,  # noqa: SIM112
        client.get_queue_sender("mailbox-sync") as sender,
    ):
        await sender.send_messages(job)

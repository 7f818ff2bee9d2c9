"""A sample app for the host's tests: queue functions that note what they were given, and when."""

import asyncio
import json
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
SEEN: list[dict[str, object]] = []


@app.service_bus_queue_trigger(
    arg_name="message", connection="ServiceBus", queue_name="%SESSION_QUEUE%", is_sessions_enabled=True
)
async def in_sessions(message: func.ServiceBusMessage) -> None:
    await _note("in_sessions", message)


@app.service_bus_queue_trigger(arg_name="message", connection="ServiceBus", queue_name="plain")
async def plain(message: func.ServiceBusMessage) -> None:
    await _note("plain", message)


@app.route(route="seen")
async def seen(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(SEEN))


async def _note(function: str, message: func.ServiceBusMessage) -> None:
    order = json.loads(message.get_body())
    note = {
        "function": function,
        "id": message.message_id,
        "session": message.session_id,
        "delivery": message.delivery_count,
        "properties": message.application_properties,
        "began": time.time(),
    }
    await asyncio.sleep(order.get("seconds", 0))
    SEEN.append({**note, "ended": time.time()})
    if order.get("fail"):
        raise ValueError("told to fail")

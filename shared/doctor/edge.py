"""The edge: does it answer in time, and reach its tables and queues? Asked from outside, as Graph asks."""

from __future__ import annotations

from time import perf_counter

from shared.doctor.finding import Finding, failed, note, ok
from shared.doctor.patient import Patient
from shared.exchange.subscriptions import NOTIFICATIONS_PATH

NAME = "edge"
FIX_ADDRESS = "Check PUBLIC_BASE_URL, that the edge runs, and that no access restriction is set on it."
FIX_ROLES = (
    "Give the edge's identity Azure Service Bus Data Sender on its two queues and Storage Table Data Reader "
    "on the table 'subscriptions' (infra/modules/roles.bicep); new roles take some minutes."
)
FIX_SLOW = "See 'notifications-slow' in docs/operations.md: is its always-ready instance there?"
FIX_CODE = "Deploy the code to the edge again; another app answers at this address."
SLOW = 3.0
TIMEOUT = 30.0
STRANGER = {"value": [{"subscriptionId": "00000000-0000-0000-0000-000000000000", "clientState": "doctor"}]}
"""A notification of a subscription that nobody has: it is looked up, dropped, and answered as any other."""


async def check(patient: Patient) -> list[Finding]:
    import httpx

    base = patient.settings.public_base_url
    started = perf_counter()
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as http:
            health = await http.get(f"{base}/api/health")
            answer = await http.post(f"{base}{NOTIFICATIONS_PATH}", json=STRANGER)
    except httpx.HTTPError as error:
        return [failed(NAME, f"The edge cannot be reached ({type(error).__name__}).", FIX_ADDRESS)]
    seconds = perf_counter() - started
    if health.status_code != 200:
        return [failed(NAME, f"The edge answers {health.status_code} when asked for its health.", FIX_CODE)]
    if answer.status_code == 503:
        return [failed(NAME, "The edge does not reach its tables or queues.", FIX_ROLES)]
    if answer.status_code != 202:
        return [failed(NAME, f"The edge answers a notification with {answer.status_code}.", FIX_CODE)]
    if seconds > SLOW:
        return [note(NAME, f"The edge took {seconds:.0f} seconds to answer twice.", FIX_SLOW)]
    return [ok(NAME, "The edge answers, and reaches its tables and queues.")]

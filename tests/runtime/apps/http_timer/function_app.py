"""A sample app for the host's tests: HTTP routes of every kind, and timers that record their runs."""

import asyncio
import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
more = func.Blueprint()
RUNS: dict[str, list[dict[str, object]]] = {"hourly": [], "failing": [], "slow": []}
RUNNING = {"slow": 0, "most": 0}


@app.route(route="items/{id:int?}", methods=["GET", "POST"])
async def items(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "id": req.route_params.get("id"),
        "query": dict(req.params),
        "header": req.headers.get("X-Sample"),
        "body": req.get_body().decode(),
        "url": req.url,
    }
    headers = {"X-Answer": "yes", "Set-Cookie": "a=1; Path=/"}
    return func.HttpResponse(json.dumps(seen), status_code=201, headers=headers, mimetype="application/json")


@app.route(route="items/special", methods=["GET"])
async def special(req: func.HttpRequest) -> str:
    return "special"


@more.route(route="{kind:alpha}/things/{name}")
async def things(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return func.HttpResponse(f"{req.route_params['kind']}:{req.route_params['name']}:{context.function_name}")


@more.function_name("files")
@more.route(route="files/{*rest}", methods=["GET"])
async def serve_files(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.route_params.get("rest") or "root")


@more.route(route="broken")
async def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("secret detail")


@more.route(route="too_long")
async def too_long(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(60)
    return func.HttpResponse("never")


@more.route(route="runs")
async def runs(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps({"runs": RUNS, "most": RUNNING["most"]}))


@app.timer_trigger(arg_name="timer", schedule="%HOURLY%", run_on_startup=False, use_monitor=False)
async def hourly(timer: func.TimerRequest) -> None:
    RUNS["hourly"].append({"past_due": timer.past_due, **timer.schedule_status})


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
async def failing(timer: func.TimerRequest) -> None:
    RUNS["failing"].append({})
    raise ValueError("the timer is broken")


@app.timer_trigger(arg_name="timer", schedule="*/1 * * * * *")
async def slow(timer: func.TimerRequest) -> None:
    RUNNING["slow"] += 1
    RUNNING["most"] = max(RUNNING["most"], RUNNING["slow"])
    await asyncio.sleep(1.2)
    RUNS["slow"].append({})
    RUNNING["slow"] -= 1


app.register_functions(more)

"""The app settings that the rig gives the functions app, and the connection strings in them."""

from __future__ import annotations

from local.rig import azurite
from local.rig.directory import RigDirectory
from local.rig.parts import Ports

SCHEDULES = {
    "DUE_MAILBOXES_SCHEDULE": "*/10 * * * * *",
    "DYNAMICS_FEED_SCHEDULE": "*/15 * * * * *",
    "RENEW_SUBSCRIPTIONS_SCHEDULE": "0 */30 * * * *",
    "WATCH_SCHEDULE": "*/30 * * * * *",
}


def service_bus_connection(ports: Ports) -> str:
    endpoint = f"sb://127.0.0.1:{ports.service_bus}"
    key = "SharedAccessKeyName=local;SharedAccessKey=bG9jYWw="
    return f"Endpoint={endpoint};{key};UseDevelopmentEmulator=true"


def table_connection(ports: Ports) -> str:
    """Through the relay, so that the rig can cut it."""
    return azurite.connection_string(ports.tables)


def app_settings(directory: RigDirectory, ports: Ports, webhook_key: str) -> dict[str, str]:
    """What ``shared/settings.py`` reads, for this rig."""
    return {
        "SYNC_ROLE": "all",
        "ServiceBus": service_bus_connection(ports),
        "STATE_TABLES": table_connection(ports),
        "GRAPH_BASE_URL": f"http://127.0.0.1:{ports.exchange}/v1.0",
        "DATAVERSE_URL": f"http://127.0.0.1:{ports.dataverse}",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{ports.functions}",
        "DEVELOPMENT_TOKEN": "app",
        "CLOCK_OFFSET_FILE": str(directory.clock),
        "ADMIN_AUTH": "loopback",
        "DATAVERSE_WEBHOOK_KEY": webhook_key,
        **SCHEDULES,
    }

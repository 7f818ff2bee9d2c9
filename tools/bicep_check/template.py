"""Which template is checked, and with which parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parents[2] / "infra"
MAIN = INFRA / "main.bicep"
GROUP = INFRA / "group.bicep"
PARAMETERS: dict[str, Any] = {
    "environmentName": "sync",
    "location": "westeurope",
    "dataverseUrl": "https://contoso.crm4.dynamics.com",
    "adminClientId": "44444444-4444-4444-4444-444444444444",
    "alertEmail": "administrator@example.com",
    "dataverseWebhookKey": "a secret",
}

"""Table Storage: may we read, write and remove rows, and does a condition hold?"""

from __future__ import annotations

from shared.doctor.finding import Finding, failed, ok
from shared.doctor.patient import Patient

NAME = "tables"
FIX = (
    "Give the worker's identity the role Storage Table Data Contributor on the state account "
    "(infra/modules/roles.bicep); a new role takes some minutes. Check STATE_TABLES__endpoint."
)
PROBE = "doctor"


async def check(patient: Patient) -> list[Finding]:
    """Writes one answer that nobody asked for, and reads it back; it disappears by itself."""
    answers = patient.services.answers
    marker = patient.services.now().isoformat()
    await answers.put(PROBE, PROBE, {"at": marker})
    found = await answers.get(PROBE, PROBE)
    if found is None or found.get("at") != marker:
        return [failed(NAME, "A row that was written does not come back.", FIX)]
    return [ok(NAME, "Rows can be written and read back.")]

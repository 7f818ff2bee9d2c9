"""How people make, see, change and delete items of each kind, on either side, by the public protocols."""

from __future__ import annotations

from collections.abc import Mapping

from tests.simulation.kinds.contacts import Contacts
from tests.simulation.kinds.events import Events
from tests.simulation.kinds.kind import Kind
from tests.simulation.kinds.series import Series
from tests.simulation.kinds.tasks import Activities, Tasks

EVENT, SERIES, CONTACT, TASK = "event", "series", "contact", "task"
KINDS: Mapping[str, Kind] = {
    EVENT: Events(),
    SERIES: Series(),
    CONTACT: Contacts(),
    TASK: Tasks(),
    "phonecall": Activities("phonecall", "phonecalls"),
    "letter": Activities("letter", "letters"),
    "fax": Activities("fax", "faxes"),
}

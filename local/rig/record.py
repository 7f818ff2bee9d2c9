"""The record of a running rig: its parts as started, their processes, ports and key."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from local.rig.directory import RigDirectory, RigError, read_json, write_json
from local.rig.parts import Part, Ports
from local.rig.processes import Process


@dataclass
class Record:
    """Kept in ``rig.json`` as soon as the first part runs, so that ``down`` finds everything."""

    ports: Ports
    webhook_key: str
    parts: dict[str, Part] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)

    def write(self, directory: RigDirectory) -> None:
        write_json(
            directory.record,
            {
                "ports": asdict(self.ports),
                "webhook_key": self.webhook_key,
                "parts": {name: part.to_json() for name, part in self.parts.items()},
                "processes": {name: asdict(process) for name, process in self.processes.items()},
            },
        )

    @staticmethod
    def read(directory: RigDirectory) -> Record | None:
        stored = read_json(directory.record)
        if stored is None:
            return None
        return Record(
            Ports(**stored["ports"]),
            stored["webhook_key"],
            {name: Part(**part) for name, part in stored["parts"].items()},
            {name: Process(**process) for name, process in stored["processes"].items()},
        )

    def running(self) -> list[str]:
        """The parts whose process lives."""
        return [name for name, process in self.processes.items() if process.alive()]


def running_record(directory: RigDirectory) -> Record:
    """The record of a rig that is up, or an error that says it is not."""
    record = Record.read(directory)
    if record is None or not record.running():
        raise RigError("the rig is not up; start it with 'local up'")
    return record

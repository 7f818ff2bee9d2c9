"""Free loopback ports for the parts."""

from __future__ import annotations

import random
import socket

# Below the range from which operating systems take ports for outgoing connections: a part that was
# killed must find its port free when it is started again.
FIRST, LAST = 20000, 30000


def free_ports(count: int) -> list[int]:
    """As many different ports nobody listens on."""
    found: list[int] = []
    for port in random.sample(range(FIRST, LAST), LAST - FIRST):
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} free ports between {FIRST} and {LAST}")


def is_free(port: int) -> bool:
    """Whether a part could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

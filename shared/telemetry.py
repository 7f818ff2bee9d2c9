"""Our few numbers and spans, as log lines that the host carries to Application Insights.

The host's own records (one per invocation) are sampled in its classic mode, which in its OpenTelemetry mode
they would not be; these lines are few and are all kept. Nothing is imported for them but the standard
library, so that the edge starts as fast as before. Two kinds, each a word and JSON:

``span {…}``: one pass (or one answer, or one reading of the feed), with trace and parent, so that one trace
runs from the notification to the mirrored change. A pass that was only due and found nothing has none: the
host's own record of the invocation is enough.
``measure {…}``: sums over all passes of this process, once a minute and when the last of them ends.

No subject, body, address or id of anybody is in them: a mailbox is a hash, and never a dimension of a number.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Any

EVERY = 60.0
"""Seconds between two lines of sums while passes go on."""
_W3C = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")

spans = logging.getLogger("sync.span")
measures = logging.getLogger("sync.measure")


@dataclass(slots=True)
class Span:
    """What is going on now: its place in a trace, and what is known of it so far."""

    trace: str
    span: str
    parent: str
    flags: str
    values: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=perf_counter)

    @property
    def seconds(self) -> float:
        return perf_counter() - self.started

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace}-{self.span}-{self.flags}"


_current: ContextVar[Span | None] = ContextVar("span", default=None)


def begun(parent: str = "") -> Span:
    """A span under that W3C ``traceparent``; a text that is none begins a trace of its own."""
    found = _W3C.fullmatch(parent)
    trace, above, flags = found.groups() if found else (secrets.token_hex(16), "", "01")
    return Span(trace, secrets.token_hex(8), above, flags)


def current() -> Span | None:
    """What is going on now, if anything is."""
    return _current.get()


def traceparent() -> str:
    """Of what is going on now; messages carry it on."""
    span = current()
    return span.traceparent if span else ""


@contextmanager
def span(name: str, parent: str = "", **values: Any) -> Iterator[Span]:
    """Everything inside belongs to it. ``quiet`` among its values: it is worth no line."""
    made = begun(parent)
    made.values.update(values)
    token = _current.set(made)
    sums.enter()
    try:
        yield made
    except BaseException as error:
        made.values["error"] = type(error).__name__
        raise
    finally:
        _current.reset(token)
        made.values["ms"] = int(made.seconds * 1000)
        if not made.values.pop("quiet", False):
            _line(spans, "span", {"name": name, **_place(made), **made.values})
        sums.leave()


def note(**values: Any) -> None:
    """Say more about what is going on now, if anything is."""
    if (now := _current.get()) is not None:
        now.values.update(values)


def passed(numbers: Mapping[str, int], *, failed: bool = False, quiet: bool = False) -> None:
    """One pass has ended: said in its span, and added to the sums. Its lag is counted from the hint."""
    if (now := _current.get()) is not None:
        now.values.update(numbers, failed=failed, quiet=quiet)
        lag = float(now.values.get("waited_s", 0)) + now.seconds
        sums.passed(failed=failed, milliseconds=int(now.seconds * 1000), lag=lag, **numbers)


def hashed(mailbox: str) -> str:
    """Enough to tell mailboxes apart, nothing to find one by."""
    return hashlib.sha256(mailbox.encode()).hexdigest()[:12]


def measured(kind: str, **values: Any) -> None:
    """A state at this moment."""
    _line(measures, "measure", {"kind": kind, **values})


def _place(span: Span) -> dict[str, str]:
    parent = {"parent": span.parent} if span.parent else {}
    return {"trace": span.trace, "span": span.span, **parent}


def _line(log: logging.Logger, word: str, values: dict[str, Any]) -> None:
    log.info("%s %s", word, json.dumps(values, separators=(",", ":")))


class Sums:
    """What all passes of this process came to since the last line."""

    def __init__(self) -> None:
        self._open = 0
        self._written_at = monotonic()
        self._clear()

    def _clear(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._requests: Counter[str] = Counter()
        self._rules: Counter[str] = Counter()
        self._lag = 0.0

    # --- counting ---------------------------------------------------------------------------------

    def request(self, service: str) -> None:
        self._requests[service] += 1

    def throttled(self) -> None:
        self._numbers["throttles"] += 1

    def decided(self, rules: Iterable[str]) -> None:
        self._rules.update(rules)

    def passed(self, *, failed: bool, milliseconds: int, lag: float, **more: int) -> None:
        """One pass has ended. ``lag``: seconds from the hint to now."""
        self._numbers.update({"passes": 1, "failed": int(failed), "ms": milliseconds, **more})
        self._lag = max(self._lag, lag)

    # --- writing ----------------------------------------------------------------------------------

    def enter(self) -> None:
        self._open += 1

    def leave(self) -> None:
        """The last one out writes, so that nothing is lost when the instance is taken away."""
        self._open -= 1
        if not self._open or monotonic() - self._written_at >= EVERY:
            self.write()

    def write(self) -> None:
        if self._numbers or self._requests or self._rules:
            measured(
                "passes",
                **self._numbers,
                lag_s_max=round(self._lag, 1),
                requests=dict(self._requests),
                rules=dict(sorted(self._rules.items())),
            )
        self._written_at = monotonic()
        self._clear()


sums = Sums()

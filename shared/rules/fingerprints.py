"""Fingerprints of values: enough to tell our own write from a person's edit, without keeping the value."""

from __future__ import annotations

import hashlib
import json

from shared.model.values import Side, Value


def fingerprint(value: Value) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def note(written: Side, exchange: Value, dynamics: Value) -> list[str]:
    """The side that is about to be written, and what both shall show then."""
    return [written.value, fingerprint(exchange), fingerprint(dynamics)]


def as_was(now: Value, print_then: str) -> Value:
    """The present value where it is still the one of then; else something that no value equals."""
    return now if fingerprint(now) == print_then else {"fingerprint": print_then}


def is_unknown(value: Value) -> bool:
    """Put there by ``as_was``: only its fingerprint is known."""
    return isinstance(value, dict) and value.keys() == {"fingerprint"}

"""Ids as table keys. Distinct ids give distinct keys, and case counts: Graph's ids differ in case alone.

Storage forbids / \\ # ? and control characters in a key and limits it to 1 KiB; percent, plus and spaces
are trouble in URLs. An id of harmless characters is its own key, so that people can read a table; any
other becomes ``~`` and its base64url, a very long one ``~~`` and its hash. Rows whose id must be read
back keep it in a column.
"""

from __future__ import annotations

import base64
import hashlib
import re

_HARMLESS = re.compile(r"[A-Za-z0-9_.@-]{1,200}")
_ENCODED_LIMIT = 300
_FORBIDDEN = re.compile(r"[/\\#?%+\x00-\x1f\x7f-\x9f]")

END = ";"
"""The character after ``:``: ends a range of keys that begin with a prefix and a colon."""


def encode(identifier: str) -> str:
    """A key, or a part of one, that stands for this id alone. Never holds a colon."""
    if _HARMLESS.fullmatch(identifier):
        return identifier
    encoded = _base64(_bytes(identifier))
    return f"~{encoded}" if len(encoded) <= _ENCODED_LIMIT else f"~~{digest(identifier)}"


def digest(text: str) -> str:
    """SHA-256 in 43 harmless characters."""
    return _base64(hashlib.sha256(_bytes(text)).digest())


def shard(text: str) -> str:
    """One of 256 shards, as two hexadecimal digits."""
    return hashlib.sha256(_bytes(text)).hexdigest()[:2]


def is_safe(key: str) -> bool:
    """Whether storage takes the key and every client can put it into a URL."""
    return _FORBIDDEN.search(key) is None and not key.endswith(" ")


def _bytes(text: str) -> bytes:
    """Lone surrogates included: an id is what a service says it is."""
    return text.encode("utf-8", "surrogatepass")


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

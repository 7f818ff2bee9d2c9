"""Ids as Exchange makes them: case-sensitive, URL-safe base64.

A normal id names the folder, so it changes on a move; an immutable one does not.
"""

from __future__ import annotations

import base64
import re
from random import Random

_LEGAL = re.compile(r"^[A-Za-z0-9_\-]+={0,2}$")


def legal(identifier: str) -> bool:
    return bool(_LEGAL.match(identifier))


class Identifiers:
    """Makes ids from one source of randomness."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def immutable(self) -> str:
        return f"AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A{self._letters(24)}_{self._letters(7)}AAA="

    def normal(self, folder: str) -> str:
        """The id of an item as long as it stays in its folder."""
        return f"AAMkAG{self._letters(20)}-{folder[-16:].replace('=', '')}{self._letters(20)}_AAA="

    def folder(self) -> str:
        return f"AAMkAG{self._letters(30)}-{self._letters(8)}_AAA="

    def attachment(self) -> str:
        return f"AAMkAG{self._letters(24)}AAABEgAQA{self._letters(21)}="

    def change_key(self) -> str:
        return base64.b64encode(self._random.randbytes(22)).decode()

    def ical_uid(self) -> str:
        return "040000008200E00074C5B7101A82E00800000000" + self._random.randbytes(36).hex().upper()

    def guid(self) -> str:
        digits = bytearray(self._random.randbytes(16))
        digits[6], digits[8] = digits[6] & 0x0F | 0x40, digits[8] & 0x3F | 0x80
        text = digits.hex()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def _letters(self, length: int) -> str:
        return base64.urlsafe_b64encode(self._random.randbytes(length)).decode()[:length].replace("=", "x")

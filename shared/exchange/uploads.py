"""Uploads of large attachments in pieces, to a pre-authenticated URL on another host: no token goes there.

Nothing is attached before the last piece has arrived. So an earlier piece that fails leaves nothing behind
(the session dies by itself), and only the answer to the last one can be unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.errors import Refused, Throttled
from shared.exchange.channel import Channel
from shared.exchange.throttle import SHORT_WAIT

PIECE = 12 * 320 * 1024
"""Graph takes at most 4 MB; multiples of 320 KiB are what its upload sessions advise everywhere."""


async def upload(channel: Channel, url: str, content: bytes) -> None:
    if not channel.client.may_upload_to(url):
        raise Refused("Graph's upload URL is not a safe one", code="foreignLink")
    for first, piece in _pieces(content):
        last = first + len(piece) == len(content)
        headers = {
            "Content-Range": f"bytes {first}-{first + len(piece) - 1}/{len(content)}",
            "Content-Type": "application/octet-stream",
        }
        try:
            await channel.put_piece(url, piece, headers, last=last)
        except Throttled as error:
            if error.retry_after > SHORT_WAIT:
                raise
            await channel.put_piece(url, piece, headers, last=last)


def _pieces(content: bytes) -> Iterator[tuple[int, bytes]]:
    for first in range(0, len(content), PIECE):
        yield first, content[first : first + PIECE]

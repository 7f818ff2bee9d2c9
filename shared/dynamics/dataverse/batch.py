"""``$batch``: several requests in one, and their answers read back, as OData's multipart format has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.dynamics.dataverse.messages import Answer, Request

MAXIMUM_PARTS = 100
_LINE = b"\r\n"
_STATUS = re.compile(rb"^HTTP/\d(?:\.\d)? +(\d{3})\b")
_DELIMITER_TAIL = re.compile(rb"(--)?[ \t]*(?=\r?\n|$)")
_BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")
_BOUNDARY = re.compile(r"""boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Writes that happen all or not at all."""

    requests: tuple[Request, ...]


Part = Request | ChangeSet


class BrokenBatch(ValueError):  # noqa: N818 - it is what it says
    """The answer is not a complete multipart body."""


# --- writing --------------------------------------------------------------------------------------


def write(parts: Sequence[Part], *, name: str, root: str, headers: Mapping[str, str]) -> bytes:
    """The body. ``name`` makes the boundaries (``batch_<name>``) and must not occur in any part; ``root`` is
    the path of the service; ``headers`` go with every part."""
    lines: list[bytes] = []
    content_id = 0
    for number, part in enumerate(parts):
        lines.append(b"--batch_" + name.encode())
        if isinstance(part, Request):
            lines += _request(part, root, headers, None)
            continue
        boundary = f"changeset_{name}_{number}"
        lines += [f"Content-Type: multipart/mixed; boundary={boundary}".encode(), b""]
        for request in part.requests:
            content_id += 1
            lines.append(b"--" + boundary.encode())
            lines += _request(request, root, headers, content_id)
        lines.append(b"--" + boundary.encode() + b"--")
    lines += [b"--batch_" + name.encode() + b"--", b""]
    return _LINE.join(lines)


def _request(request: Request, root: str, headers: Mapping[str, str], content_id: int | None) -> list[bytes]:
    outer = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        outer.append(f"Content-ID: {content_id}")
    inner = {**headers, **request.headers}
    if request.body is not None:
        inner["Content-Type"] = "application/json"
    head = [*outer, "", f"{request.method} {root}/{request.path} HTTP/1.1"]
    head += [f"{header}: {value}" for header, value in inner.items()]
    if any("\r" in line or "\n" in line for line in head):
        raise ValueError("a line break in a part's path or headers")
    return [*(line.encode("ascii") for line in head), b"", request.content()]


# --- reading --------------------------------------------------------------------------------------


def read(content_type: str, body: bytes) -> list[Answer]:
    """The answers in order; those of change sets stand in line with the others. Raises BrokenBatch."""
    answers: list[Answer] = []
    for part in _parts(_boundary(content_type), body):
        headers, content = _split(part)
        kind = headers.get("content-type", "")
        if kind.lower().startswith("multipart/"):
            answers += read(kind, content)
        else:
            answers.append(_answer(content))
    return answers


def _boundary(content_type: str) -> bytes:
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise BrokenBatch("the answer is not multipart")
    return (match[1] or match[2]).encode()


def _parts(boundary: bytes, body: bytes) -> list[bytes]:
    """What stands between the delimiter lines; what comes before the first and after the last is nothing."""
    begun: int | None = None
    parts: list[bytes] = []
    for start, end, closes in _delimiters(b"--" + boundary, body):
        if begun is not None:
            parts.append(body[begun:start])
        if closes:
            return parts
        begun = end
    raise BrokenBatch("the answer ends before its last part")


def _delimiters(mark: bytes, body: bytes) -> Iterator[tuple[int, int, bool]]:
    """Where the lines begin (with the line break before them) and end, and whether it is the last. Looked for
    by hand: each answer has a boundary of its own, and compiling a pattern for it takes longer than reading
    the answer."""
    at = body.find(mark)
    while at >= 0:
        tail = _DELIMITER_TAIL.match(body, at + len(mark))
        if tail and (at == 0 or body[at - 1 : at] == b"\n"):
            start = at - len(b"\r\n") if body[at - 2 : at] == b"\r\n" else max(at - 1, 0)
            yield start, tail.end(), tail[1] is not None
        at = body.find(mark, at + len(mark))


def _split(part: bytes) -> tuple[dict[str, str], bytes]:
    """Headers (names in lower case) and what follows the blank line."""
    part = part.removeprefix(b"\r\n") if part.startswith(b"\r\n") else part.removeprefix(b"\n")
    if part.startswith((b"\r\n", b"\n")):
        return {}, part.lstrip(b"\r\n")
    blank = _BLANK_LINE.search(part)
    head, content = (part[: blank.start()], part[blank.end() :]) if blank else (part, b"")
    headers: dict[str, str] = {}
    for line in head.splitlines():
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return headers, content


def _answer(content: bytes) -> Answer:
    content = content.lstrip(b"\r\n")
    status = _STATUS.match(content)
    if status is None:
        raise BrokenBatch("a part is not an HTTP answer")
    _, _, rest = content.partition(b"\n")
    headers, body = _split(b"\n" + rest)
    return Answer(int(status[1]), headers, body)

"""Reading and writing ``multipart/mixed`` bodies of ``application/http`` parts."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from multidict import CIMultiDict

from local.dataverse.call import Reply
from local.dataverse.errors import Refusal, refuse

LINE = b"\r\n"


@dataclass(frozen=True)
class Part:
    headers: CIMultiDict[str]
    content: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "")


@dataclass(frozen=True)
class PartRequest:
    """The request inside an ``application/http`` part."""

    method: str
    url: str
    headers: CIMultiDict[str]
    body: bytes
    content_id: str | None


def malformed(message: str) -> Refusal:
    return refuse("InvalidBatch", message=f"The batch body is malformed: {message}")


def boundary(content_type: str) -> str:
    """The boundary of a multipart type; anything else is not a batch."""
    kind, *parameters = (part.strip() for part in content_type.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if kind.lower() == "multipart/mixed" and name.lower() == "boundary" and value:
            return value.strip('"')
    raise refuse("UnsupportedMediaType", type=content_type)


def read_parts(content: bytes, mark: str) -> list[Part]:
    """The parts between the boundaries. Lines must end with CRLF."""
    delimiter = b"--" + mark.encode()
    pieces = (LINE + content).split(LINE + delimiter)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise malformed(f"the boundary '{mark}' is not closed, or lines do not end with CRLF.")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    start = piece.find(LINE)
    head, separator, content = piece[start + 2 :].partition(LINE + LINE)
    if start < 0 or not separator:
        raise malformed("a part has no empty line after its headers.")
    return Part(_headers(head), content)


def _headers(head: bytes) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict()
    for line in head.decode("utf-8", "replace").split("\r\n"):
        if line:
            name, colon, value = line.partition(":")
            if not colon:
                raise malformed(f"'{line}' is not a header.")
            headers.add(name.strip(), value.strip())
    return headers


def read_request(part: Part) -> PartRequest:
    if not part.content_type.startswith("application/http"):
        raise malformed(f"a part has the content type '{part.content_type}'.")
    head, _, body = part.content.partition(LINE + LINE)
    first, _, rest = head.partition(LINE)
    request_line = first.decode("utf-8", "replace")
    words = request_line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise malformed(f"'{request_line}' is not a request line.")
    body = body.removesuffix(LINE)
    return PartRequest(words[0].upper(), words[1], _headers(rest), body, part.headers.get("Content-ID"))


def write_reply(reply: Reply, content_id: str | None = None) -> bytes:
    """An ``application/http`` part with the whole answer."""
    outer = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id:
        outer.append(f"Content-ID: {content_id}")
    inner = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", "OData-Version: 4.0"]
    inner += [f"{name}: {value}" for name, value in reply.headers.items()]
    if isinstance(reply.body, dict):
        inner.append("Content-Type: application/json; odata.metadata=minimal")
    text = "\r\n".join([*outer, "", *inner, "", ""])
    return text.encode() + reply.content()


def write_parts(name: str, parts: list[bytes]) -> tuple[str, bytes]:
    """The content type and the body of a multipart answer."""
    mark = f"{name}_{uuid4()}"
    delimiter = b"--" + mark.encode()
    body = b"".join(delimiter + LINE + part + LINE for part in parts) + delimiter + b"--" + LINE
    return f"multipart/mixed; boundary={mark}", body

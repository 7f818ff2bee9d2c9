"""``$batch`` bodies as Dataverse documents them, and answers of servers that are less tidy."""

from __future__ import annotations

import pytest

from shared.dynamics.dataverse.batch import BrokenBatch, ChangeSet, read, write
from shared.dynamics.dataverse.messages import Request

ROOT = "/api/data/v9.2"


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def test_a_batch_looks_as_documented() -> None:
    create = Request("PATCH", "appointments(1)?tag=us", {"If-None-Match": "*"}, {"subject": "é"})
    change = Request("PATCH", "appointments(1)", {}, {"statecode": 3})
    parts = [ChangeSet((create, change)), Request("GET", "appointments(1)")]
    body = write(parts, name="x", root=ROOT, headers={"Accept": "application/json"})
    assert body == crlf(
        """--batch_x
Content-Type: multipart/mixed; boundary=changeset_x_0

--changeset_x_0
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

PATCH /api/data/v9.2/appointments(1)?tag=us HTTP/1.1
Accept: application/json
If-None-Match: *
Content-Type: application/json

{"subject": "\\u00e9"}
--changeset_x_0
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

PATCH /api/data/v9.2/appointments(1) HTTP/1.1
Accept: application/json
Content-Type: application/json

{"statecode": 3}
--changeset_x_0--
--batch_x
Content-Type: application/http
Content-Transfer-Encoding: binary

GET /api/data/v9.2/appointments(1) HTTP/1.1
Accept: application/json


--batch_x--
"""
    )


@pytest.mark.parametrize("path", ["a\r\nX: y", "a\nGET /b"])
def test_a_line_break_cannot_get_into_a_part(path: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        write([Request("GET", path)], name="x", root=ROOT, headers={})


ANSWER = """--batchresponse_1
Content-Type: multipart/mixed; boundary=changesetresponse_2

--changesetresponse_2
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 204 No Content
OData-Version: 4.0
OData-EntityId: https://org.example/api/data/v9.2/appointments(1)


--changesetresponse_2--
--batchresponse_1
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 200 OK
Content-Type: application/json; odata.metadata=minimal
ETag: W/"7"

{
  "subject": "x"
}
--batchresponse_1--
"""


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
@pytest.mark.parametrize("around", [("", ""), ("\n", "after\n--batchresponse_1--\n")])
def test_an_answer_is_read_whatever_its_line_ends_and_surroundings(
    ending: str, around: tuple[str, str]
) -> None:
    body = (around[0] + ANSWER + around[1]).replace("\n", ending).encode()
    first, second = read('multipart/mixed; boundary="batchresponse_1"', body)
    assert (first.status, first.headers["odata-version"], first.json()) == (204, "4.0", {})
    assert (second.status, second.headers["etag"], second.json()) == (200, 'W/"7"', {"subject": "x"})


def test_a_failed_change_set_is_one_answer_in_line_with_the_others() -> None:
    body = crlf(
        """--b
Content-Type: application/http

HTTP/1.1 412 Precondition Failed
Content-Type: application/json

{"error":{"code":"0x80040237","message":"x"}}
--b--"""
    )
    (answer,) = read("Multipart/Mixed;BOUNDARY=b", body)
    assert answer.status == 412


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/mixed; boundary=b", b""),
        ("multipart/mixed; boundary=b", b"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n"),
        ("multipart/mixed; boundary=b", b"--b\r\n\r\nnot HTTP\r\n--b--"),
        ("multipart/mixed; boundary=b", b"--bb\r\n\r\nHTTP/1.1 200 OK\r\n\r\n--bb--"),
    ],
)
def test_half_an_answer_is_no_answer(content_type: str, body: bytes) -> None:
    with pytest.raises(BrokenBatch):
        read(content_type, body)

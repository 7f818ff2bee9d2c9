"""A small OData service over real HTTP, as strict as the hand-over scripts need: unknown columns, filters
and references to rows that are not there are refused, secrets are never given back."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Row = dict[str, Any]
_TERM = re.compile(r"([\w/]+) eq ('(?:[^']|'')*'|null|[\w-]+)")


@dataclass
class Set_:  # noqa: N801
    """One collection: its key, the columns that may be written, those that never come back."""

    key: str
    columns: set[str]
    secret: set[str] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)


@dataclass
class Fake:
    """``special``: what else is served, by method and pattern. ``writes``: every write that was accepted."""

    root: str
    sets: dict[str, Set_]
    special: list[tuple[str, str, Callable[..., Any]]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    address: str = ""
    answers_with_address: bool = False
    kept: dict[str, Any] = field(default_factory=dict)
    """What ``special`` remembers, for tests to look at."""

    def row(self, name: str, number: str) -> Row:
        found = [row for row in self.sets[name].rows if row[self.sets[name].key] == number]
        if not found:
            raise Refused(404, "ObjectDoesNotExist")
        return found[0]

    def handle(self, method: str, url: str, body: Row | None) -> Any:
        parts = urlsplit(url)
        path = unquote(parts.path).removeprefix(self.root)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        for wanted, pattern, work in self.special:
            found = re.fullmatch(pattern, path)
            if wanted == method and found:
                if method != "GET":
                    self.writes.append(f"{method} {path}")
                return work(*found.groups(), body) if method in ("POST", "PATCH") else work(*found.groups())
        one = re.fullmatch(r"/(\w+)(?:\(([\w-]+)\)|/([\w-]+))?", path)
        if one is None or one[1] not in self.sets:
            raise Refused(404, f"there is no {path}")
        return self._plain(method, one[1], one[2] or one[3], query, body)

    def _plain(self, method: str, name: str, number: str | None, query: Row, body: Row | None) -> Any:
        table = self.sets[name]
        if method == "GET" and number is None:
            rows = [row for row in table.rows if self._matches(row, query.get("$filter", ""))]
            return {"value": [self._shown(table, row) for row in rows]}
        if method == "GET":
            return self._shown(table, self.row(name, str(number)))
        self.writes.append(f"{method} /{name}")
        if method == "DELETE":
            table.rows.remove(self.row(name, str(number)))
            return None
        assert body is not None
        self._check(table, body)
        if method == "PATCH":
            self.row(name, str(number)).update(body)
            return None
        row = {table.key: str(uuid.uuid4()), **body, **self._looked_up(body)}
        table.rows.append(row)
        return row if not self.answers_with_address else Address(f"{self.address}/{name}({row[table.key]})")

    def _check(self, table: Set_, body: Row) -> None:
        unknown = set(body) - table.columns
        if unknown:
            raise Refused(400, f"undeclared property {sorted(unknown)[0]}")

    def _looked_up(self, body: Row) -> Row:
        """What ``@odata.bind`` names must be there."""
        found = {}
        for key, value in body.items():
            if key.endswith("@odata.bind"):
                target = re.fullmatch(r"/(\w+)\(([\w-]+)\)", str(value))
                if target is None:
                    raise Refused(400, f"{key} is no reference")
                self.row(target[1], target[2])
                column = key.removesuffix("@odata.bind").split("_")[0]
                found[f"_{column}_value"] = target[2]
        return found

    @staticmethod
    def _shown(table: Set_, row: Row) -> Row:
        return {key: value for key, value in row.items() if key not in table.secret and "@" not in key}

    @staticmethod
    def _matches(row: Row, text: str) -> bool:
        if not text:
            return True
        if " or " in text:
            return any(Fake._matches(row, each) for each in text.split(" or "))
        for term in text.split(" and "):
            found = _TERM.fullmatch(term)
            if found is None:
                raise Refused(400, f"filter not understood: {term}")
            value = None if found[2] == "null" else found[2].strip("'").replace("''", "'")
            if row.get(found[1]) != value:
                return False
        return True


@dataclass(frozen=True)
class Address:
    """An answer that is only an address (204 with OData-EntityId)."""

    url: str


class Refused(Exception):  # noqa: N818
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def served(fake: Fake) -> Iterator[str]:
    """The fake's address, without its root."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            if self.headers.get("Authorization") != "Bearer admin":
                self._answer(401, {"error": {"code": "401", "message": "no token"}})
                return
            try:
                answer = fake.handle(self.command, self.path, body)
            except Refused as refused:
                self._answer(refused.status, {"error": {"code": "refused", "message": str(refused)}})
                return
            if isinstance(answer, Address):
                self._answer(204, None, {"OData-EntityId": answer.url})
            else:
                self._answer(200 if answer is not None else 204, answer)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

        def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            content = json.dumps(body).encode() if body is not None else b""
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    host = f"http://127.0.0.1:{server.server_port}"
    fake.address = host + fake.root
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

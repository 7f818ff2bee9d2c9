"""What tables do, Azurite's or the double's: keys, versions, pages, transactions, types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from azure.data.tables import EdmType, EntityProperty

from shared.errors import Conflict, NotFound
from shared.store.limits import LimitExceeded
from shared.store.tables import NAMES, Operation, Table, Tables, TransactionRefused, Write, etag_of

STALE = "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""


def entity(row: str = "r", partition: str = "p", **columns: Any) -> dict[str, Any]:
    return {"PartitionKey": partition, "RowKey": row, **columns}


async def put(table: Table, keys: list[tuple[str, str]], **columns: Any) -> None:
    for partition in dict.fromkeys(partition for partition, _ in keys):
        rows = [entity(row, partition, **columns) for name, row in keys if name == partition]
        for start in range(0, len(rows), 100):
            await table.submit([Operation(Write.PUT, row) for row in rows[start : start + 100]])


async def found(table: Table, text: str, parameters: Mapping[str, Any], **options: Any) -> list[str]:
    """The keys of the rows, in the order in which they came."""
    rows = table.query(text, parameters, **options)
    return [f"{row['PartitionKey']}/{row['RowKey']}" async for row in rows]


@pytest.fixture
def table(tables: Tables) -> Table:
    return tables.table("state")


class RowContract:
    """One row at a time."""

    async def test_a_row_that_is_there_or_not(self, table: Table) -> None:
        assert await table.get("p", "r") is None
        await table.insert(entity(a=1))
        for call in (table.insert(entity()), table.replace(entity(), STALE)):
            with pytest.raises(Conflict):
                await call
        await table.delete("p", "r")
        await table.delete("p", "r")
        for call in (table.change(entity()), table.change(entity(), STALE), table.replace(entity(), STALE)):
            with pytest.raises(NotFound):
                await call
        await table.delete("p", "r", STALE)

    async def test_each_write_makes_another_version(self, table: Table) -> None:
        first = await table.insert(entity(a=1))
        second = await table.replace(entity(a=1), first)
        third = await table.change(entity(b=2), second)
        row = await table.get("p", "r")
        assert row is not None
        assert len({first, second, third}) == 3
        assert etag_of(row) == third
        await table.put(entity(a=1))
        for call in (
            table.replace(entity(), third),
            table.change(entity(c=3), third),
            table.delete("p", "r", third),
        ):
            with pytest.raises(Conflict):
                await call
        row = await table.get("p", "r")
        assert row == entity(a=1)

    async def test_what_is_replaced_is_gone_and_what_is_merged_is_not(self, table: Table) -> None:
        await table.merge(entity(a=1, b=1))
        await table.merge(entity(b=2))
        await table.change(entity(c=3))
        assert await table.get("p", "r") == entity(a=1, b=2, c=3)
        await table.put(entity(d=4))
        assert await table.get("p", "r") == entity(d=4)

    async def test_values_come_back_as_they_were_written(self, table: Table) -> None:
        columns: dict[str, Any] = {
            "text": "żółć \U0001f600 '\"\\",
            "empty": "",
            "yes": True,
            "number": -(2**31),
            "double": 0.1,
            "whole": 2.0,
            "bytes": bytes(range(256)),
            "none": b"",
            "long": EntityProperty(2**40, EdmType.INT64),
            "moment": datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC),
        }
        await table.insert(entity(**columns, unset=None))
        row = await table.get("p", "r")
        assert row == entity(**columns)
        assert {name: type(row[name]) for name in ("yes", "number", "whole")} == {
            "yes": bool,
            "number": int,
            "whole": float,
        }

    async def test_a_moment_comes_back_in_utc(self, table: Table) -> None:
        moment = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5)))
        await table.insert(entity(at=moment))
        row = await table.get("p", "r")
        assert row is not None
        assert (row["at"], row["at"].utcoffset()) == (moment, timedelta())

    async def test_what_has_no_type_in_a_table_is_no_value(self, table: Table) -> None:
        for wrong in (2**31, ["a"], {"a": 1}):
            with pytest.raises(TypeError):
                await table.put(entity(wrong=wrong))
        assert await table.get("p", "r") is None

    async def test_only_named_columns_are_read_and_the_version_always(self, table: Table) -> None:
        etag = await table.insert(entity(a=1, b=2))
        row = await table.get("p", "r", ["RowKey", "b"])
        assert row is not None
        assert (row, etag_of(row)) == ({"RowKey": "r", "b": 2}, etag)
        rows = table.query("PartitionKey eq @p", {"p": "p"}, select=["a"])
        assert [(each, etag_of(each)) async for each in rows] == [({"a": 1}, etag)]

    async def test_what_a_reader_or_writer_does_with_its_copy_changes_no_row(self, table: Table) -> None:
        written = entity(a=1)
        await table.insert(written)
        written["a"] = 2
        row = await table.get("p", "r")
        assert row is not None
        row["a"] = 3
        assert await table.get("p", "r") == entity(a=1)

    async def test_keys_differ_by_case_and_may_be_of_any_harmless_characters(self, table: Table) -> None:
        keys = ["a", "A", "~x", "x:y;z", "it's", "a b", "ż", "k" * 512]
        for number, key in enumerate(keys):
            await table.insert(entity(key, partition=key, n=number))
        for number, key in enumerate(keys):
            assert await table.get(key, key) == entity(key, partition=key, n=number)


class QueryContract:
    """Filters, order, pages."""

    async def test_rows_come_in_the_order_of_their_keys(self, table: Table) -> None:
        keys = [("p2", "b"), ("p1", "z"), ("p2", "B"), ("p1", "10"), ("p1", "9"), ("p2", "~"), ("p10", "a")]
        await put(table, keys)
        assert await found(table, "PartitionKey ge @a", {"a": ""}) == [
            *("p1/10", "p1/9", "p1/z", "p10/a", "p2/B", "p2/b", "p2/~"),
        ]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("RowKey eq @two", ["a/2", "b/2"]),
            ("RowKey gt @two", ["a/3", "b/3"]),
            ("RowKey ge @two and RowKey le @two", ["a/2", "b/2"]),
            ("RowKey lt @two and PartitionKey eq @a", ["a/1"]),
            ("RowKey le @two and PartitionKey gt @a", ["b/1", "b/2"]),
            ("PartitionKey le @a and RowKey ne @two", ["a/1", "a/3"]),
            ("PartitionKey gt @a and PartitionKey lt @b", []),
            ("PartitionKey ge @b and PartitionKey le @a", []),
            ("PartitionKey eq @a and PartitionKey eq @b", []),
            ("PartitionKey eq @nobody", []),
            ("RowKey gt @two and RowKey ge @a", []),
        ],
    )
    async def test_keys_are_compared(self, table: Table, text: str, expected: list[str]) -> None:
        await put(table, [(partition, str(row)) for partition in "ab" for row in (1, 2, 3)])
        assert await found(table, text, {"a": "a", "b": "b", "two": "2", "nobody": "x"}) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("name eq @name", ["it's"]),
            ("name ne @name", ["other"]),
            ("number ge @two", ["three", "two"]),
            ("number gt @two and number lt @nine", ["three"]),
            ("flag eq true", ["yes"]),
            ("flag eq @no", ["no"]),
            ("at lt @later", ["moment"]),
            ("name eq 'x'", ["other"]),
            ("number eq 3", ["three"]),
            ("name eq @two", []),
            ("missing lt @name", []),
        ],
    )
    async def test_columns_are_compared(self, table: Table, text: str, expected: list[str]) -> None:
        at = datetime(2026, 3, 1, tzinfo=UTC)
        rows = {
            "it's": {"name": "it's"},
            "other": {"name": "x"},
            "two": {"number": 2},
            "three": {"number": 3},
            "yes": {"flag": True},
            "no": {"flag": False},
            "moment": {"at": at},
        }
        for row, columns in rows.items():
            await table.insert(entity(row, **columns))
        parameters = {"name": "it's", "two": 2, "nine": 9, "no": False, "later": at + timedelta(seconds=1)}
        names = [name.removeprefix("p/") for name in await found(table, text, parameters)]
        assert names == expected

    async def test_a_range_of_keys(self, table: Table) -> None:
        await put(table, [("p", row) for row in ("a", "l:1", "l:2", "l;", "m")] + [("q", "l:1")])
        rows = [row["RowKey"] async for row in table.keys_between("p", "l:", "l;")]
        assert rows == ["l:1", "l:2"]

    async def test_pages_are_requests(self, tables: Tables, table: Table) -> None:
        await put(table, [("p", f"{number:03d}") for number in range(200)])
        for page, expected in ((100, 2), (180, 1), (60, 3), (1000, 1)):
            before = tables.requests
            rows = [row["RowKey"] async for row in table.keys_between("p", "010", "190", page=page)]
            assert (len(rows), rows[0], rows[-1]) == (180, "010", "189")
            assert tables.requests - before == expected

    async def test_a_page_is_a_thousand_rows_of_any_partitions(self, tables: Tables, table: Table) -> None:
        await put(table, [(f"p{number % 3}", f"{number:04d}") for number in range(1500)])
        before = tables.requests
        keys = await found(table, "PartitionKey ge @first", {"first": "p"}, page=5000)
        assert (len(keys), keys == sorted(keys), tables.requests - before) == (1500, True, 2)

    async def test_only_what_is_asked_for_is_on_a_page(self, tables: Tables, table: Table) -> None:
        await put(table, [("p", f"{number:02d}") for number in range(90)])
        await put(table, [("p", f"{number:02d}") for number in range(5, 90, 10)], marked=True)
        before = tables.requests
        assert len(await found(table, "PartitionKey eq @p and marked eq true", {"p": "p"}, page=9)) == 9
        assert tables.requests - before == 1

    async def test_who_reads_no_further_asks_for_no_more(self, tables: Tables, table: Table) -> None:
        await put(table, [("p", f"{number:02d}") for number in range(30)])
        before = tables.requests
        rows = table.query("PartitionKey eq @p", {"p": "p"}, page=10)
        assert [(await anext(rows))["RowKey"] for _ in range(10)] == [f"{number:02d}" for number in range(10)]
        assert tables.requests - before == 1

    async def test_what_changes_between_two_pages_is_seen_or_passed(self, table: Table) -> None:
        await put(table, [("p", f"{number:02d}") for number in range(0, 40, 2)])
        rows = table.query("PartitionKey eq @p", {"p": "p"}, page=10)
        seen = [(await anext(rows))["RowKey"] for _ in range(10)]
        await table.delete("p", "20")
        await put(table, [("p", "01"), ("p", "25"), ("p", "99")])
        seen += [row["RowKey"] async for row in rows]
        expected = [f"{number:02d}" for number in range(0, 40, 2) if number != 20]
        assert seen == sorted([*expected, "25", "99"])


class TransactionContract:
    """All or nothing."""

    async def test_every_kind_of_operation(self, table: Table) -> None:
        await put(table, [("p", row) for row in ("put", "merge", "delete")], a=1)
        etag = await table.insert(entity("replace", a=1))
        operations = [
            Operation(Write.PUT, entity("put", b=2)),
            Operation(Write.MERGE, entity("merge", b=2)),
            Operation(Write.DELETE, entity("delete")),
            Operation(Write.REPLACE, entity("replace", b=2), etag),
            Operation(Write.INSERT, entity("insert", b=2)),
        ]
        etags = await table.submit(operations)
        rows = {row["RowKey"]: row async for row in table.query("PartitionKey eq @p", {"p": "p"})}
        assert {name: set(row) - {"PartitionKey", "RowKey"} for name, row in rows.items()} == {
            "put": {"b"},
            "merge": {"a", "b"},
            "replace": {"b"},
            "insert": {"b"},
        }
        assert [etag_of(rows[name]) for name in ("put", "merge", "replace", "insert")] == [
            etag for etag in etags if etag
        ]
        assert etags[2] == ""

    @pytest.mark.parametrize(
        ("write", "row", "conditional", "status"),
        [
            (Write.DELETE, "changed", True, 412),
            (Write.REPLACE, "changed", True, 412),
            (Write.INSERT, "changed", False, 409),
            (Write.REPLACE, "missing", True, 404),
            (Write.DELETE, "missing", False, 404),
            (Write.DELETE, "missing", True, 404),
        ],
    )
    async def test_a_refused_one_names_the_operation_and_does_nothing(
        self, table: Table, write: Write, row: str, conditional: bool, status: int
    ) -> None:
        etag = await table.insert(entity("changed"))
        await table.change(entity("changed", again=True))
        wrong = Operation(write, entity(row), etag if conditional else None)
        operations = [Operation(Write.PUT, entity("a")), wrong, Operation(Write.PUT, entity("z"))]
        with pytest.raises(TransactionRefused) as caught:
            await table.submit(operations)
        assert (caught.value.index, caught.value.status) == (1, status)
        keys = await found(table, "PartitionKey eq @p", {"p": "p"})
        assert keys == ["p/changed"]

    async def test_limits_stop_what_storage_would_not_take(self, tables: Tables, table: Table) -> None:
        many = entity(**{f"c{n}": n for n in range(253)})
        before = tables.requests
        wide = entity(**{f"c{n}": "x" * 32_000 for n in range(17)})
        for wrong in (many, wide, entity("a/b"), entity(text="x" * 32_769), entity("k" * 513)):
            for call in (table.put(wrong), table.insert(wrong), table.submit([Operation(Write.PUT, wrong)])):
                with pytest.raises(LimitExceeded):
                    await call
        for rows in (
            [entity(str(n)) for n in range(101)],
            [entity(), entity()],
            [entity(), entity(partition="q")],
            [entity(f"b{n}", d=b"x" * 64_000) for n in range(50)],
            [],
        ):
            with pytest.raises(LimitExceeded):
                await table.submit([Operation(Write.PUT, row) for row in rows])
        assert tables.requests == before

    async def test_what_is_just_within_the_limits_is_taken(self, table: Table) -> None:
        await table.put(entity("wide", **{f"c{n}": n for n in range(252)}))
        await table.put(entity("long", text="x" * 32_768))
        await table.submit([Operation(Write.PUT, entity(str(n))) for n in range(100)])
        await table.submit([Operation(Write.PUT, entity(f"b{n}", d=b"x" * 64_000)) for n in range(45)])
        assert await table.get("p", "b44") == entity("b44", d=b"x" * 64_000)


class TableContract:
    """The tables themselves."""

    async def test_all_are_made_once_and_again(self, tables: Tables) -> None:
        before = tables.requests
        await tables.ensure()
        assert tables.requests - before == len(NAMES)
        assert set(NAMES) <= set(await tables.names("a", "z"))

    async def test_they_are_listed_by_their_names(self, tables: Tables) -> None:
        for name in ("history202602", "history202603", "historz"):
            await tables.create(name)
        assert sorted(await tables.names("history", "historz")) == ["history202602", "history202603"]

    async def test_one_that_is_dropped_is_gone_with_its_rows(self, tables: Tables) -> None:
        await tables.create("history202602")
        await tables.table("history202602").put(entity())
        await tables.drop("history202602")
        await tables.drop("history202602")
        assert await tables.names("history", "historz") == []
        with pytest.raises(NotFound):
            await tables.table("history202602").insert(entity())

    async def test_nothing_can_be_done_in_one_that_is_not_there(self, tables: Tables) -> None:
        table = tables.table("nothing")
        with pytest.raises(NotFound) as caught:
            await table.insert(entity())
        assert caught.value.code == ""  # Of an insert's refusal the client tells the status only.
        for call in (
            lambda: table.put(entity()),
            lambda: table.merge(entity()),
            lambda: table.change(entity()),
            lambda: table.submit([Operation(Write.PUT, entity())]),
            lambda: found(table, "PartitionKey eq @p", {"p": "p"}),
        ):
            with pytest.raises(NotFound) as caught:
                await call()
            assert caught.value.code == "TableNotFound"
        assert await table.get("p", "r") is None
        await table.delete("p", "r")

    async def test_each_call_is_a_request(self, tables: Tables, table: Table) -> None:
        before = tables.requests
        await table.insert(entity())
        await table.get("p", "r")
        await table.submit([Operation(Write.PUT, entity(str(n))) for n in range(20)])
        assert await found(table, "PartitionKey eq @p", {"p": "nobody"}) == []
        assert tables.requests - before == 4


class TablesContract(RowContract, QueryContract, TransactionContract, TableContract):
    """The whole contract."""

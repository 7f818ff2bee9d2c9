"""A run of the benchmarks that broke goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.kept import Kept


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))


def test_what_was_measured_with_this_code_is_not_measured_again() -> None:
    assert [Kept("a")("one", lambda: 1), Kept("a")("one", lambda: 2)] == [1, 1]
    assert Kept("a")("other", lambda: 3) == 3


def test_another_code_is_measured_anew_and_whoever_asks_for_it() -> None:
    Kept("a")("one", lambda: 1)
    assert Kept("b")("one", lambda: 2) == 2
    assert Kept("a", anew=True)("one", lambda: 4) == 4


def test_what_broke_is_not_kept() -> None:
    def broken() -> int:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        Kept("a")("one", broken)
    assert Kept("a")("one", lambda: 5) == 5

"""By what a page or a log says with which code it was made."""

from __future__ import annotations

from pathlib import Path

from tools.code_hash import hash_of


def test_the_hash_of_the_code_is_that_of_its_contents(tmp_path: Path) -> None:
    (tmp_path / "shared" / "__pycache__").mkdir(parents=True)
    source = tmp_path / "shared" / "a.py"
    source.write_text("1")
    before = hash_of("shared", root=tmp_path)
    (tmp_path / "shared" / "__pycache__" / "a.pyc").write_text("x")
    assert hash_of("shared", root=tmp_path) == before
    source.write_text("2")
    assert hash_of("shared", root=tmp_path) != before

"""The page of rules: what counts as proved, and what a wrong mark does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.rule_ids import Rule, RuleGroup, load_groups
from tools.rules_coverage import ROOT, CollectionFailed, collect_proofs, render

GROUP = RuleGroup(
    "APPT", "Appointments", (Rule("APPT-1", "one"), Rule("APPT-2", "two"), Rule("APPT-3", "three", "old"))
)


MARKED = """
import pytest

@pytest.mark.rule({rule_id!r}, "LNK-8")
@pytest.mark.parametrize("n", [1, 2])
def test_it(n): ...
"""


def marked(project: Path, name: str, rule_id: str) -> Path:
    """A project whose only test bears a mark. Module names differ: pytest runs within pytest here."""
    tests = project / "tests"
    tests.mkdir()
    shutil.copy(ROOT / "pyproject.toml", project)
    shutil.copy(ROOT / "tests" / "conftest.py", tests)
    (tests / f"test_{name}.py").write_text(MARKED.format(rule_id=rule_id))
    return project


def test_a_rule_is_proved_open_or_not_applicable() -> None:
    page = render([GROUP], {"APPT-1": ["tests/rules/test_x.py::test_y"]})
    assert "| APPT-1 | one | proved: `rules/test_x::test_y` |" in page
    assert "| APPT-2 | two | open |" in page
    assert "| APPT-3 | three | not applicable: old |" in page
    assert "| APPT: Appointments | 3 | 1 | 1 | 1 |" in page


def test_a_proved_rule_is_not_excused_any_more() -> None:
    assert "| **all** | 3 | 1 | 0 | 2 |" in render([GROUP], {"APPT-3": ["tests/test_x.py::test_y"]})


def test_a_proof_of_an_unknown_rule_is_refused() -> None:
    with pytest.raises(CollectionFailed, match="APPT-99"):
        render([GROUP], {"APPT-99": ["tests/test_x.py::test_y"]})


def test_marks_are_collected_once_per_test_function(tmp_path: Path) -> None:
    proofs = collect_proofs(marked(tmp_path, "well_marked", "APPT-1"))
    assert proofs == {
        "APPT-1": ["tests/test_well_marked.py::test_it"],
        "LNK-8": ["tests/test_well_marked.py::test_it"],
    }


def test_a_mark_that_names_no_rule_fails_the_collection(tmp_path: Path) -> None:
    with pytest.raises(CollectionFailed, match="APPT-4711"):
        collect_proofs(marked(tmp_path, "wrongly_marked", "APPT-4711"))


def test_rule_ids_run_from_one_without_a_gap_and_have_a_title() -> None:
    for group in load_groups():
        assert [rule.id for rule in group.rules] == [
            f"{group.prefix}-{n + 1}" for n in range(len(group.rules))
        ]
        assert all(rule.title for rule in group.rules)

"""The mark that ties a test to the numbered rules it proves: ``@rule("APPT-25", "LNK-8")``."""

from __future__ import annotations

import pytest

rule = pytest.mark.rule

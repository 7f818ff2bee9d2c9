"""One suite per port, run against the real adapter and its double: that is what licenses the double."""

import pytest

for _suite in ("mailbox_store", "history_store", "registry", "small_stores", "jobs", "workers", "tables"):
    pytest.register_assert_rewrite(f"tests.contracts.{_suite}")

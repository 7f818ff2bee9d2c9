"""The servers of the wire tests, for those of them that only CI runs."""

from tests.wire.conftest import azurite

__all__ = ["azurite"]

"""A stand-in for Dataverse (Web API v9.2), at least as strict as the real one."""

from __future__ import annotations

from local.dataverse.server import Dataverse

__all__ = ["Dataverse"]

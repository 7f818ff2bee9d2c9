"""The sample tenant: a small company in both stand-ins, loaded through their public interfaces only."""

from __future__ import annotations

from local.tenant.loading import load
from local.tenant.tenant import Tenant, TenantUser

__all__ = ["Tenant", "TenantUser", "load"]

"""Stand-in for Exchange Online: Microsoft Graph v1.0 over HTTP, at least as strict as the real one."""

from local.exchange.server import ExchangeOnline

__all__ = ["ExchangeOnline"]

"""Exchange Online through Microsoft Graph: the engine's ``Exchange`` and ``ExchangeMailbox``."""

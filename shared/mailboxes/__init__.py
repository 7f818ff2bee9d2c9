"""The life cycle of a mailbox: subscribed, tested and enabled, paused, scheduled, removed."""

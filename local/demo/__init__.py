"""The demonstration: the sample tenant, edits on both sides, and a report of what was synced and why."""

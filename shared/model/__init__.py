"""The records that both sides are mapped to. Pure data: nothing here does I/O or knows a service."""

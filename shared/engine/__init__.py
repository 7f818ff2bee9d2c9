"""The pass of one mailbox (gather, pair, decide, apply, commit), the router and reconciliation."""

"""Audit log: events in hash chains, written in the transaction of what they tell, anchored and verified."""

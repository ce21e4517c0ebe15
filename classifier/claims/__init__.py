"""The claim engine: work that lies in a table is claimed, finished and given back, by one set of rules."""

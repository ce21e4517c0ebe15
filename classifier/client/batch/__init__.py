"""Many cases at once: which files make a case, what was sent already, and sending the rest."""

from classifier.client.batch.journal import Journal
from classifier.client.batch.mapping import Case, find_cases, read_mapping
from classifier.client.batch.sending import Sent, submit_cases

__all__ = ["Case", "Journal", "Sent", "find_cases", "read_mapping", "submit_cases"]

"""Privacy: consent, emergency access, retention, erasure and a patient's archive."""

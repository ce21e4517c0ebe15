"""Labels: every word that pages, PDF, API and mails say of a row, in functions that only read."""

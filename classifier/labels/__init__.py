"""Every word that pages, the PDF, API texts and mails say of a case, in pure functions."""

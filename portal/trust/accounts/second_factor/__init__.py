"""Second factor: codes, recovery, reset by an administrator, and step-up before what is irreversible."""

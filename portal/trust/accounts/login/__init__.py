"""Log-in: password, limits and waits against guessing, known devices, single sign-on."""

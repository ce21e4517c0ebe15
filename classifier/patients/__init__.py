"""Patients and lesions: writing them, with who may and what is refused."""

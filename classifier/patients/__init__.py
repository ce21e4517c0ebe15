"""Patients and lesions: added, found and corrected by services. Intake and the doors call them."""

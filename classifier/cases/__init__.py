"""Cases: what each is held for, and what is open of it. Pages, API, FHIR, reports and exports call it."""

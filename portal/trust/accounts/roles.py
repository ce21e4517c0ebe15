"""Roles, and what each may do: one table, read by pages, API and tests alike."""

from enum import StrEnum

from django.db.models import TextChoices


class Role(TextChoices):
    CLINICIAN = "clinician", "Clinician"
    DERMATOLOGIST = "dermatologist", "Dermatologist"
    ADMINISTRATOR = "administrator", "Administrator"
    INTEGRATION = "integration", "Integration"


class Action(StrEnum):
    """What a person may do within a clinic. Seeing a case is `VIEW_CASES`."""

    VIEW_CASES = "view_cases"
    SUBMIT = "submit"
    CANCEL = "cancel"
    REVIEW = "review"
    RECORD_OUTCOME = "record_outcome"
    EXPORT = "export"
    REPORT = "report"
    ADMINISTER = "administer"
    BREAK_GLASS = "break_glass"


ROLES_ALLOWED: dict[Action, frozenset[Role]] = {
    Action.VIEW_CASES: frozenset(Role),
    Action.SUBMIT: frozenset({Role.CLINICIAN, Role.DERMATOLOGIST, Role.INTEGRATION}),
    Action.CANCEL: frozenset({Role.CLINICIAN, Role.DERMATOLOGIST, Role.INTEGRATION}),
    Action.REVIEW: frozenset({Role.DERMATOLOGIST}),
    Action.RECORD_OUTCOME: frozenset({Role.CLINICIAN, Role.DERMATOLOGIST, Role.INTEGRATION}),
    Action.EXPORT: frozenset({Role.CLINICIAN, Role.DERMATOLOGIST, Role.ADMINISTRATOR}),
    # The report of one case, for the patient's record: taken by people, filed by record systems.
    Action.REPORT: frozenset(Role),
    Action.ADMINISTER: frozenset({Role.ADMINISTRATOR}),
    # Read one patient of another clinic in an emergency; never by a program.
    Action.BREAK_GLASS: frozenset({Role.CLINICIAN, Role.DERMATOLOGIST}),
}

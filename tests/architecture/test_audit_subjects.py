"""Every kind of row that an audit event can name has its way to a patient, or is known to have none."""

import pytest
from django.apps import apps
from django.db import models

from classifier.models import Patient
from classifier.models.audit_subjects import NEVER_RECORDED, OF_PATIENTS, SUBJECTS
from portal.trust.audit.models import AuditChain
from portal.trust.audit.services import Entry, record_event, record_events
from tests.factories import UserFactory


def our_models():
    return [model for model in apps.get_models() if model.__module__.startswith(("portal.", "classifier."))]


def leads_to_patient(model, seen=()):
    """Whether foreign keys lead from `model` to a patient."""
    if model is Patient:
        return True
    targets = [
        field.related_model for field in model._meta.get_fields() if isinstance(field, models.ForeignKey)
    ]
    return any(target not in seen and leads_to_patient(target, (*seen, model)) for target in targets)


def test_every_kind_of_row_is_registered_or_never_recorded():
    assert {model._meta.label_lower for model in our_models()} == {*SUBJECTS, *NEVER_RECORDED}
    assert SUBJECTS.keys() & NEVER_RECORDED.keys() == set()


def test_what_hangs_on_a_patient_says_how_whoever_owns_the_table():
    hanging = {model._meta.label_lower for model in apps.get_models() if leads_to_patient(model)}

    assert hanging == set(OF_PATIENTS)


@pytest.mark.parametrize("kind", ["audit.auditchain", "auth.group", "classifier.refusedemergency"])
@pytest.mark.django_db
def test_writer_refuses_a_kind_that_is_not_registered(kind):
    """So whatever code records can be found again: what it can't name is refused, not forgotten."""
    row = apps.get_model(kind)(pk=1)

    with pytest.raises(TypeError, match=f"registered kind, received {kind}"):
        record_event(clinic_id=None, action="test.seen", obj=row)


@pytest.mark.django_db
def test_writer_records_nothing_of_entries_of_which_one_is_refused():
    entries = [
        Entry(clinic_id=None, action="test.seen", obj=row) for row in (UserFactory(), AuditChain(pk=1))
    ]

    with pytest.raises(TypeError):
        record_events(entries)

    assert not AuditChain.objects.filter(last_position__gt=0).exists()


@pytest.mark.parametrize("kind", sorted(OF_PATIENTS))
@pytest.mark.django_db
def test_way_ends_at_the_patient(kind):
    rows = apps.get_model(kind)._default_manager
    prefix = "" if OF_PATIENTS[kind] == "pk" else f"{OF_PATIENTS[kind]}__"

    assert list(rows.filter(**{f"{prefix}public_id": "P-NOBODY22"})) == []


def test_each_has_its_own_word():
    words = [subject.word for subject in SUBJECTS.values()]

    assert len(words) == len(set(words))

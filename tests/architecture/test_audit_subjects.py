"""Every kind of row that an audit event can name has its way to a patient, or is known to have none."""

import pytest
from django.apps import apps
from django.db import models

from classifier.audit_subjects import OF_PATIENTS, SUBJECTS
from classifier.models import Patient

OURS = ("accounts", "audit", "classifier")
NEVER_NAMED = {"audit.auditchain", "audit.auditanchor", "audit.eventtally"}
"""Rows of the trail itself."""


def our_models():
    return [model for label in OURS for model in apps.get_app_config(label).get_models()]


def leads_to_patient(model, seen=()):
    """Whether foreign keys lead from `model` to a patient."""
    if model is Patient:
        return True
    targets = [
        field.related_model for field in model._meta.get_fields() if isinstance(field, models.ForeignKey)
    ]
    return any(target not in seen and leads_to_patient(target, (*seen, model)) for target in targets)


def test_every_kind_of_row_is_registered():
    assert {model._meta.label_lower for model in our_models()} - NEVER_NAMED == set(SUBJECTS)


@pytest.mark.parametrize("kind", sorted(SUBJECTS))
def test_what_belongs_to_a_patient_says_how(kind):
    assert (kind in OF_PATIENTS) == leads_to_patient(apps.get_model(kind))


@pytest.mark.parametrize("kind", sorted(OF_PATIENTS))
@pytest.mark.django_db
def test_way_ends_at_the_patient(kind):
    rows = apps.get_model(kind)._default_manager
    prefix = "" if OF_PATIENTS[kind] == "pk" else f"{OF_PATIENTS[kind]}__"

    assert list(rows.filter(**{f"{prefix}public_id": "P-NOBODY22"})) == []


def test_each_has_its_own_word():
    words = [subject.word for subject in SUBJECTS.values()]

    assert len(words) == len(set(words))

"""Invented people in two clinics. Tests take them from `tests.factories`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import factory

from portal.trust.accounts.models import SERVICE_DOMAIN, Clinic, Membership, User, UserKind
from portal.trust.accounts.roles import Role

PASSWORD = "correct-horse-battery-staple"


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@clinic.example")
    full_name = factory.Sequence(lambda n: f"Person Number{n}")
    password = factory.django.Password(PASSWORD)


class ClinicFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Clinic

    name = factory.Sequence(lambda n: f"Clinic {n}")


class MembershipFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    clinic = factory.SubFactory(ClinicFactory)
    role = Role.CLINICIAN


def service_account(clinic: Clinic) -> Membership:
    """A program's account in this clinic."""
    row: Membership = MembershipFactory(
        clinic=clinic,
        role=Role.INTEGRATION,
        user__kind=UserKind.SERVICE,
        user__password=None,
        user__email=f"{uuid.uuid4()}@{SERVICE_DOMAIN}",
    )
    return row


@dataclass(frozen=True)
class Staff:
    """One clinic and one person in each role."""

    clinic: Clinic
    clinician: User
    dermatologist: User
    administrator: User
    integration: User

    def person(self, role: Role | str) -> User:
        user: User = getattr(self, str(role))
        return user


@dataclass(frozen=True)
class TwoClinics:
    own: Staff
    other: Staff
    outsider: User
    operator: User


def staff_clinic(**clinic: Any) -> Staff:
    place = ClinicFactory(**clinic)
    return Staff(place, **_employ(place)[0])


def two_clinics() -> TwoClinics:
    """Two clinics with one person in every role, a person in none, and an operator."""
    places = Clinic.objects.bulk_create(ClinicFactory.build_batch(2))
    own, other = (Staff(place, **people) for place, people in zip(places, _employ(*places), strict=True))
    outsider, operator = User.objects.bulk_create([UserFactory.build(), UserFactory.build(is_staff=True)])
    return TwoClinics(own=own, other=other, outsider=outsider, operator=operator)


def _employ(*places: Clinic) -> list[dict[str, User]]:
    """A person in each role of each clinic; all at once, for most tests begin with them."""
    made = User.objects.bulk_create(UserFactory.build_batch(len(places) * len(Role)))
    people = [
        dict(zip([role.value for role in Role], made[start:], strict=False))
        for start in range(0, len(made), len(Role))
    ]
    Membership.objects.bulk_create(
        MembershipFactory.build(user=person, clinic=place, role=Role(role))
        for place, staff in zip(places, people, strict=True)
        for role, person in staff.items()
    )
    return people

"""Patients and their lesions, and what judged them."""

from __future__ import annotations

import datetime as dt

from classifier.client.records import ClinicDetail, Lesion, Me, ModelVersion, Patient, PredictionDetail
from classifier.client.resources.base import Collection, Resource, given, id_of, tag_of


class Patients(Collection[Patient]):
    kind, path = Patient, "patients"

    def create(
        self,
        mrn: str,
        *,
        clinic: str | None = None,
        birth_date: dt.date | None = None,
        sex: str | None = None,
        skin_type: str | None = None,
        consents_to_inference: bool | None = None,
        key: str | None = None,
    ) -> Patient:
        body = given(
            mrn=mrn,
            clinic=clinic,
            birth_date=birth_date.isoformat() if birth_date else None,
            sex=sex,
            skin_type=skin_type,
            consents_to_inference=consents_to_inference,
        )
        return self._post(Patient, "patients/", body, key=key)

    def change(
        self,
        patient: Patient | str,
        *,
        birth_date: dt.date | None = None,
        sex: str | None = None,
        skin_type: str | None = None,
        consents_to_inference: bool | None = None,
    ) -> Patient:
        """Correct what is given. A patient that was read before is changed as it was read, or not
        at all (412).
        """
        body = given(
            birth_date=birth_date.isoformat() if birth_date else None,
            sex=sex,
            skin_type=skin_type,
            consents_to_inference=consents_to_inference,
        )
        return self._patch(Patient, f"patients/{id_of(patient)}/", body, if_match=tag_of(patient))


class Lesions(Collection[Lesion]):
    kind, path = Lesion, "lesions"

    def create(
        self,
        patient: Patient | str,
        body_site: str,
        *,
        laterality: str | None = None,
        note: str | None = None,
        key: str | None = None,
    ) -> Lesion:
        body = given(patient=id_of(patient), body_site=body_site, laterality=laterality, note=note)
        return self._post(Lesion, "lesions/", body, key=key)

    def change(
        self,
        lesion: Lesion | str,
        *,
        body_site: str | None = None,
        laterality: str | None = None,
        note: str | None = None,
    ) -> Lesion:
        body = given(body_site=body_site, laterality=laterality, note=note)
        return self._patch(Lesion, f"lesions/{id_of(lesion)}/", body, if_match=tag_of(lesion))


class Predictions(Collection[PredictionDetail]):
    kind, path = PredictionDetail, "predictions"


class ModelVersions(Collection[ModelVersion]):
    kind, path = ModelVersion, "model-versions"


class Clinics(Collection[ClinicDetail]):
    kind, path = ClinicDetail, "clinics"


class Caller(Resource):
    def read(self) -> Me:
        return self._read(Me, "me/")

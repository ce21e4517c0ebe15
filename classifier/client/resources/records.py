"""Lesions, what judged them, and the caller."""

from __future__ import annotations

from classifier.client.records import ClinicDetail, Lesion, Me, ModelVersion, Patient, PredictionDetail
from classifier.client.resources.base import Collection, Resource, given, id_of, tag_of


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

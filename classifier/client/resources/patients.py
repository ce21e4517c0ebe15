"""Patients, their lesions, their consent, and what the law lets them ask for."""

from __future__ import annotations

import datetime as dt

from classifier.client.connection import Call
from classifier.client.credentials import API
from classifier.client.records import Consents, Erased, LesionRecord, PatientRecord
from classifier.client.resources.base import ANY, Collection, given, id_of, tag_of


class Patients(Collection[PatientRecord]):
    kind, path = PatientRecord, "patients"

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
    ) -> PatientRecord:
        """Add a patient with the record number `mrn`; `clinic` where the caller has several. A number
        that the clinic has already is refused (409, mrn_taken).
        """
        body = given(
            mrn=mrn,
            clinic=clinic,
            birth_date=birth_date,
            sex=sex,
            skin_type=skin_type,
            consents_to_inference=consents_to_inference,
        )
        return self._post(PatientRecord, "patients/", body, key=key)

    def change(
        self,
        patient: PatientRecord | str,
        *,
        birth_date: dt.date | None = None,
        sex: str | None = None,
        skin_type: str | None = None,
        consents_to_inference: bool | None = None,
    ) -> PatientRecord:
        """Correct what is given. A patient that was read before is changed as it was read, or not
        at all (412).
        """
        body = given(
            birth_date=birth_date,
            sex=sex,
            skin_type=skin_type,
            consents_to_inference=consents_to_inference,
        )
        return self._patch(PatientRecord, f"patients/{id_of(patient)}/", body, if_match=tag_of(patient))

    def consents(self, patient: PatientRecord | str) -> Consents:
        """What the patient agrees to, with who recorded it and when."""
        return self._read(Consents, f"patients/{id_of(patient)}/consents/")

    def record_consent(
        self,
        consents: Consents | PatientRecord | str,
        purpose: str,
        *,
        is_given: bool,
        key: str | None = None,
    ) -> Consents:
        """Note what the patient said of `inference`, `teaching` or `training`. Consents that were read
        before are changed as they were read, or not at all (412).
        """
        is_read = isinstance(consents, Consents)
        path = f"patients/{consents.patient if isinstance(consents, Consents) else id_of(consents)}/consents/"
        body = {"purpose": purpose, "is_given": is_given}
        return self._post(Consents, path, body, key=key, if_match=tag_of(consents) if is_read else "")

    def archive(self, patient: PatientRecord | str) -> bytes:
        """Everything that the portal holds of the patient, as a ZIP file."""
        call = Call(method="GET", path=f"{API}/patients/{id_of(patient)}/archive/", headers=ANY)
        return self._connection.send(call).content

    def erase(self, patient: PatientRecord, *, reason: str, key: str | None = None) -> Erased:
        """Erase for good. It takes the patient as read, so that nobody is erased by a mistyped id."""
        body = {"reason": reason, "public_id": patient.public_id}
        path = f"patients/{patient.id}/erase/"
        return self._post(Erased, path, body, key=key, if_match=patient.etag)


class Lesions(Collection[LesionRecord]):
    kind, path = LesionRecord, "lesions"

    def create(
        self,
        patient: PatientRecord | str,
        body_site: str,
        *,
        laterality: str | None = None,
        note: str | None = None,
        key: str | None = None,
    ) -> LesionRecord:
        """Add a lesion of a patient at an ISIC body site."""
        body = given(patient=id_of(patient), body_site=body_site, laterality=laterality, note=note)
        return self._post(LesionRecord, "lesions/", body, key=key)

    def change(
        self,
        lesion: LesionRecord | str,
        *,
        body_site: str | None = None,
        laterality: str | None = None,
        note: str | None = None,
    ) -> LesionRecord:
        """Correct what is given. A lesion that was read before is changed as it was read, or not at all
        (412).
        """
        body = given(body_site=body_site, laterality=laterality, note=note)
        return self._patch(LesionRecord, f"lesions/{id_of(lesion)}/", body, if_match=tag_of(lesion))

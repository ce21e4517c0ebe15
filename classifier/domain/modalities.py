"""Modality codes: what DICOM calls each kind of picture, for its files, for FHIR and for what comes in."""

from __future__ import annotations

from classifier.domain.vocabulary import CaptureKind

MODALITIES: dict[str, tuple[str, str]] = {
    CaptureKind.DERMOSCOPIC: ("DMS", "Dermoscopy"),
    CaptureKind.CLINICAL: ("XC", "External-camera Photography"),
    CaptureKind.OVERVIEW: ("XC", "External-camera Photography"),
}
"""Code of the controlled terminology (DCM) and its meaning, by kind."""
KINDS: dict[str, CaptureKind] = {}
"""The kind that a modality stands for: the first of that code. An overview says so by a code of our own."""
for _kind in (CaptureKind.DERMOSCOPIC, CaptureKind.CLINICAL, CaptureKind.OVERVIEW):
    KINDS.setdefault(MODALITIES[_kind][0], _kind)

"""DICOM at the portal's edge: photographs that come in, photographs that go out."""

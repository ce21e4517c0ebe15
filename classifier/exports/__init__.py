"""Exports: what leaves as CSV or DICOM, and how a file is handed out."""

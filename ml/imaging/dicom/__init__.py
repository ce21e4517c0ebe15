"""DICOM photographs: structure, header, pixels and facts, each read within limits.

Imported only where a file is DICOM, because pydicom costs half a second and 40 MB.
"""

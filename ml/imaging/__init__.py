"""Imaging: from a file's bytes to upright 8-bit sRGB pixels, and what the file says of itself.

Owns formats, limits, colour, DICOM, and the words of each refusal of a file. The portal's intake and
DICOM packages call it, and everything in `ml` that needs a picture.
"""

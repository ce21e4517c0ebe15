"""Encryption at rest: which key seals what, on one page.

Two keys come from outside, and each has one job.

**DERMAPORT_ENCRYPTION_KEYS** is the key ring: it encrypts whatever is stored. The first key encrypts, all of
them decrypt, and `manage.py rotate_encryption` brings everything under the first, so that an old one can be
given up. Each purpose has a key of its own, derived by HKDF-SHA256 (`keys`):

- *fields*: patients' texts in columns, such as record number, birth date, history and comments (`fields`), and
  the words of a search that a session keeps. AES-256-GCM, bound to its column; `dpe1:<key id>:<base64>` (`texts`).
- *index*: a keyed hash beside a column, to find a whole text and to keep it unique (`texts`).
- *files*: originals, pictures, thumbnails and maps. AES-256-GCM in chunks, bound to the file's name; `DPE1` (`files`,
  `storage`, `object_storage`).
- *secrets*: what programs must read back: secrets of second factors and of webhooks, answers kept for a
  repeated request, and what identifies a patient in the cursor of a FHIR search. As *fields*, bound to what it
  is for (`sealed`).

**SECRET_KEY** signs, and keys digests; it encrypts nothing that is stored. Sessions, forms and links in mails (Django),
cookies of known browsers, counters of failed log-ins, tickets and keys of drafts on a device, digests of
idempotency keys (`sealed.digest`), identifiers in DICOM files.

Passwords, tokens and secrets of applications are hashed: no key opens them.

What an earlier version wrote is read as it is: plain texts and files from before encryption, and secrets
that were sealed with a key made from SECRET_KEY (`sealed`). Written is one format alone, and
`rotate_encryption` brings the former ones into it.
"""

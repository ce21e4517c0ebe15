"""Medical record numbers (MRN): the one form in which a number is stored, looked for and compared.

What nobody sees makes no other number: characters without a shape (zero-width spaces and joiners, soft hyphens,
marks of direction, byte order marks) are left out, and a letter with its accent is one character (Unicode's
Normalization Form C, https://www.unicode.org/reports/tr15/). Else one person would have two histories.
"""

from __future__ import annotations

import re
import unicodedata

CONTROLS = frozenset({"Cc", "Cf"})
"""Unicode's general categories of control and format characters."""
# What else Unicode calls Default_Ignorable_Code_Point (DerivedCoreProperties.txt), and the empty Braille cell:
# fillers, joiners and variation selectors that are letters or marks by their category.
UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")


def clean_mrn(mrn: str) -> str:
    """The record number in NFC, without what has no shape, and with single spaces between its parts."""
    if mrn.isascii() and mrn.isprintable():
        return " ".join(mrn.split())
    shown = (one for one in UNSEEN.sub("", mrn) if one.isspace() or unicodedata.category(one) not in CONTROLS)
    return " ".join(unicodedata.normalize("NFC", "".join(shown)).split())


def fold_mrn(mrn: str) -> str:
    """What is left of a number that a person reads: two numbers of one fold are easily taken for each other.

    Coarser than `clean_mrn`, and never stored: also wide digits, kinds of dashes, case and spaces don't count.
    """
    return DASHES.sub("-", unicodedata.normalize("NFKC", clean_mrn(mrn))).casefold().replace(" ", "")

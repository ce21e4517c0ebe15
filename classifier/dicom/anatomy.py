"""Body sites of the ISIC archive as the standard's codes of dermatology anatomic sites (CID 4029).

A finer site takes the code of the nearest one around it. The codes (SNOMED CT, a few of FMA and of DICOM itself) and their meanings are those of pydicom's copy of
the context group.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from isic_metadata.anatom_site_hierarchical import AnatomSiteEnum
from pydicom.sr.codedict import codes

from classifier.dicom.anatomy_codes import KEYWORDS

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

SKIN: Code = codes.cid4029.Skin


@cache
def find_code(site: str) -> Code:
    """The code of a body site, of the nearest site around it, or of skin alone."""
    for name in _list_around(site):
        if name in KEYWORDS:
            code: Code = getattr(codes.cid4029, KEYWORDS[name])
            return code
    return SKIN


@cache
def find_site(region: str) -> str:
    """The body site of a received "scheme code"; empty for one that names none of ours."""
    return _sites_by_code().get(region, "")


@cache
def _sites_by_code() -> dict[str, str]:
    found = ((getattr(codes.cid4029, keyword), site) for site, keyword in KEYWORDS.items())
    return {f"{code.scheme_designator} {code.value}": site for code, site in found}


def _list_around(site: str) -> list[str]:
    """The site itself, then the one that holds it, and so on outwards."""
    if site not in AnatomSiteEnum.__members__:
        return []
    parts = AnatomSiteEnum[site].value.split(":")
    by_value = {member.value: member.name for member in AnatomSiteEnum}
    return [by_value[":".join(parts[:count])] for count in range(len(parts), 0, -1)]

"""What may come back, and who gets what: the columns of the matrix.

OK is the row's own success status. LOGIN is a redirect to the log-in page, or the page
that leads there from a form whose session ended.
"""

from __future__ import annotations

OK, LOGIN = "ok", "login"
UNAUTHORISED, FORBIDDEN, MISSING = "401", "403", "404"

Policy = dict[str, str]


def grant(nobody: str, clinicless: str, own: list[str], other: list[str]) -> Policy:
    """`own` and `other`: clinician, dermatologist, administrator, integration of each clinic."""
    roles = ("clinician", "dermatologist", "administrator", "integration")
    return {
        "nobody": nobody,
        "deactivated": nobody,
        "outsider": clinicless,
        "operator": clinicless,
        "dismissed": clinicless,
        **{f"own.{role}": answer for role, answer in zip(roles, own, strict=True)},
        **{f"other.{role}": answer for role, answer in zip(roles, other, strict=True)},
        # A dermatologist of the other clinic: while a guest here, one of ours; afterwards a stranger.
        "guest": own[1],
        "guest.ended": other[1],
        # A clinician of the other clinic who opened the patient of the judged case, by session.
        "emergency": other[0],
        "emergency.expired": other[0],
    }


def _page(own: str, other: str) -> Policy:
    """Letters o(k), f(orbidden), m(issing) for clinician, dermatologist, administrator, integration."""
    words = {"o": OK, "f": FORBIDDEN, "m": MISSING}
    return grant(LOGIN, FORBIDDEN, [words[x] for x in own], [words[x] for x in other])


def _api(own: str, other: str) -> Policy:
    return _page(own, other) | {"nobody": UNAUTHORISED, "deactivated": UNAUTHORISED}


EVERYBODY = grant(OK, OK, [OK] * 4, [OK] * 4)
NOT_THERE = grant(MISSING, MISSING, [MISSING] * 4, [MISSING] * 4)
ANYBODY_LOGGED_IN = grant(LOGIN, OK, [OK] * 4, [OK] * 4)
# One's own thing that nobody in the matrix's world has.
OF_NOBODY_HERE = grant(LOGIN, MISSING, [MISSING] * 4, [MISSING] * 4)
OPERATOR_ONLY = grant(LOGIN, FORBIDDEN, [FORBIDDEN] * 4, [FORBIDDEN] * 4) | {"operator": OK}
OWN_MEMBERS_ONLY = grant(LOGIN, MISSING, [OK] * 4, [MISSING] * 4)

# Pages. Integrations have none. What isn't about one row shows each clinic its own.
PAGE_OF_MEMBERS = _page("ooof", "ooof")
PAGE_OF_SUBMITTERS = _page("ooff", "ooff")
PAGE_OF_DERMATOLOGISTS = _page("foff", "foff")
PAGE_OF_ADMINISTRATORS = _page("ffof", "ffof")
# Where what is shown or changed is every clinic's, operators of the site come too.
PAGE_OF_MEMBERS_AND_OPERATORS = PAGE_OF_MEMBERS | {"operator": OK}
PAGE_OF_ADMINISTRATORS_AND_OPERATORS = PAGE_OF_ADMINISTRATORS | {"operator": OK}
# About one row of the own clinic: to the other clinic it does not exist.
ROW_OF_MEMBERS = _page("ooof", "mmmf") | {"emergency": OK}
ROW_OF_SUBMITTERS = _page("ooff", "mmmf") | {"emergency": FORBIDDEN}
ROW_OF_DERMATOLOGISTS = _page("foff", "mmmf") | {"emergency": FORBIDDEN}
READING_ONLY = {"emergency": FORBIDDEN}
# About a patient whom the emergency did not open.
NOT_OPENED = {"emergency": MISSING}
# Only who works with patients, and from a clinic where they are no guest.
PAGE_OF_CLINICIANS = _page("ooff", "ooff") | {"guest": FORBIDDEN}
ROW_OF_READER = _page("mmmf", "mmmf") | {"emergency": OK, "own.administrator": OK}
ROW_OF_ADMINISTRATORS = _page("ffof", "ffmf")

# People of the own clinic, and nobody of another: a yes or no, which gives no row away.
COLLEAGUES_WITH_PAGES = _page("ooof", "ffff")

# API.
API_PERSON = grant(UNAUTHORISED, OK, [OK] * 4, [OK] * 4)
API_MEMBERS = _api("oooo", "oooo")
API_ADMINISTRATORS = _api("ffof", "ffof")
# What the body names and the caller can't see is a wrong field, as if it did not exist.
SUBMITTERS_ELSEWHERE = (
    *("other.clinician", "other.dermatologist", "other.integration"),
    # A token carries no emergency: to it the patient does not exist.
    *("guest.ended", "emergency", "emergency.expired"),
)
API_SUBMITTERS_OWN_CLINIC = _api("oofo", "mmfm") | dict.fromkeys(SUBMITTERS_ELSEWHERE, "400")
API_ROW = _api("oooo", "mmmm")
API_ROW_OF_ADMINISTRATORS = _api("ffof", "ffmf")
API_ROW_OF_SUBMITTERS = _api("oofo", "mmmm")
API_ROW_OF_EXPORTERS = _api("ooof", "mmmm")
FHIR_SUBMITTERS = _api("oofo", "mmfm") | dict.fromkeys(SUBMITTERS_ELSEWHERE, "422")
# Whether a person may write at all is asked before whether the row is theirs to see.
API_ROW_OF_SUBMITTERS_FIRST = _api("oofo", "mmfm")
API_ROW_OF_DERMATOLOGISTS_FIRST = _api("foff", "fmff")
API_DERMATOLOGISTS_OWN_CLINIC = _api("foff", "fmff") | dict.fromkeys(
    ("other.dermatologist", "guest.ended"), "400"
)
# Clinics can be listed by anybody who is logged in; who belongs to none sees none.
API_ROW_TO_ANYBODY = API_ROW | dict.fromkeys(("outsider", "operator", "dismissed"), MISSING)

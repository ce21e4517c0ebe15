"""Tables of people and programs, and of how they get in."""

from portal.trust.accounts.models.api_token import ApiToken
from portal.trust.accounts.models.clinic import Clinic, ClinicKind
from portal.trust.accounts.models.invitation import Invitation
from portal.trust.accounts.models.login_wait import LoginWait
from portal.trust.accounts.models.membership import Membership
from portal.trust.accounts.models.oauth_application import OAuthApplication
from portal.trust.accounts.models.user import SERVICE_DOMAIN, User, UserKind

__all__ = [
    "SERVICE_DOMAIN",
    "ApiToken",
    "Clinic",
    "ClinicKind",
    "Invitation",
    "LoginWait",
    "Membership",
    "OAuthApplication",
    "User",
    "UserKind",
]

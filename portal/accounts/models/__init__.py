from portal.accounts.models.api_token import ApiToken
from portal.accounts.models.clinic import Clinic
from portal.accounts.models.invitation import Invitation
from portal.accounts.models.login_wait import LoginWait
from portal.accounts.models.membership import Membership
from portal.accounts.models.oauth_application import OAuthApplication
from portal.accounts.models.user import SERVICE_DOMAIN, User, UserKind

__all__ = [
    "SERVICE_DOMAIN",
    "ApiToken",
    "Clinic",
    "Invitation",
    "LoginWait",
    "Membership",
    "OAuthApplication",
    "User",
    "UserKind",
]

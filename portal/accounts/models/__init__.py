from portal.accounts.models.api_token import ApiToken
from portal.accounts.models.clinic import Clinic
from portal.accounts.models.membership import Membership
from portal.accounts.models.user import User

__all__ = ["ApiToken", "Clinic", "Membership", "User"]

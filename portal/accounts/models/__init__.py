from portal.accounts.models.clinic import Clinic
from portal.accounts.models.invitation import Invitation
from portal.accounts.models.login_wait import LoginWait
from portal.accounts.models.membership import Membership
from portal.accounts.models.user import User

__all__ = ["Clinic", "Invitation", "LoginWait", "Membership", "User"]

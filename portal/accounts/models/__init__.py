from portal.accounts.models.clinic import Clinic
from portal.accounts.models.login_wait import LoginWait
from portal.accounts.models.membership import Membership
from portal.accounts.models.user import User

__all__ = ["Clinic", "LoginWait", "Membership", "User"]

"""How the commands tell of a password link: once, on the terminal, for a person to pass on."""

from portal.trust.accounts.people.founding import Appointment


def describe_log_in(appointment: Appointment) -> list[str]:
    """Lines for the terminal: the link's path, or that the person has a password."""
    if not appointment.path:
        return ["This person is known here and logs in with the password they have."]
    return [
        "Give them this link, with your site's address before it.",
        "It sets their password once, works for three days and isn't shown again:",
        appointment.path,
    ]

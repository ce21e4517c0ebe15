"""What the services of people and clinics say of input that a person can put right."""


class PeopleError(Exception):
    """Expected trouble: a stable `code` for programs, a `message` for people, maybe a `field`."""

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field

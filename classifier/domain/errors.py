"""Service errors: what is said of input or circumstances that a person can do something about."""

from __future__ import annotations


class ServiceError(Exception):
    """Expected trouble: a stable `code` for programs, a `message` for people, maybe a `field`."""

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class InvalidInputError(ServiceError):
    """What was sent can't be accepted (400)."""


class ConflictError(ServiceError):
    """It was right once, but somebody or something was faster (409)."""


class UnavailableError(ServiceError):
    """A part of the site is missing at the moment; nothing was changed (503)."""


class ContradictionError(ServiceError):
    """It is well formed, but contradicts what was sent before (422)."""


class ChangedError(ServiceError):
    """It is not any more what the sender read (412)."""


class LimitError(ServiceError):
    """Too much at once; it can be sent again later (429)."""

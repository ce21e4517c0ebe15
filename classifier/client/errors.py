"""What can go wrong, told by codes.

The text of an error names codes and fields and repeats nothing that was sent or received, so that
it may stand in any log. What the server says to people is in `detail`.
"""

from __future__ import annotations

import dataclasses


class ClientError(Exception):
    """Everything that this client raises."""


class ConfigurationError(ClientError):
    """The client can't start: no address, no token, or one that it won't use."""


class LostConnectionError(ClientError):
    """No answer came, however often it was tried. Whether the server did the work is not known."""


class ProtocolError(ClientError):
    """An answer that is not what the API promises."""


class StoppedError(ClientError):
    """The client was told to stop while it waited."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class FieldError:
    """One field that is wrong; `images.0` is the first image."""

    field: str
    code: str
    detail: str = dataclasses.field(repr=False)


class ApiError(ClientError):
    """The server refused. `code` is one of those that /api/v1/errors/ explains."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        fields: tuple[FieldError, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        where = ", ".join(f"{one.field}: {one.code}" for one in fields)
        super().__init__(f"{status} {code}" + (f" ({where})" if where else ""))
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = fields
        self.retry_after = retry_after


class WaitTimeoutError(ClientError):
    """A case was not finished in time. It goes on: wait again later."""

    def __init__(self, submission: str, seconds: float) -> None:
        super().__init__(f"Submission {submission} was not finished after {seconds:.0f} s.")
        self.submission = submission

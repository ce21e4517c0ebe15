"""Error reports, should anybody have them mailed: where it happened, and nobody's words.

Django's own quote what was posted, the cookies, every local variable and the error's message.
"""

from __future__ import annotations

from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter

from portal.trust.common.tracebacks import describe_chain


class PatientSafeReporter(ExceptionReporter):
    def get_traceback_text(self) -> SafeString:
        place = f"{self.request.method} {self.request.path}\n\n" if self.request else ""
        error = self.exc_value
        # A mail of plain text: nothing in it is markup.
        return mark_safe(place + ("".join(describe_chain(error)) if error is not None else ""))  # noqa: S308

    def get_traceback_html(self) -> SafeString:
        # Shown nowhere but in a mail with HTML, which would say the same.
        return SafeString()

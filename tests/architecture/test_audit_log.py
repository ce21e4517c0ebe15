"""The audit log is written, shown and verified; no behaviour reads it.

What somebody has to know to act (a limit, what was read, what is open) stands in a column or a row of its
own, with constraints. A module that reads events is named here with what it shows.
"""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
LOG = {"AuditEvent", "AuditChain", "AuditAnchor", "EventTally"}
WRITES_AND_VERIFIES = "portal.trust.audit"
SHOWS = {
    "classifier.pages.forms.audit_log": "filters of the page of the audit log",
    "classifier.pages.audit_log": "the page of the audit log",
    "classifier.exports.cases": "the audit log as CSV",
    "classifier.fhir.resources.site": "the audit log as AuditEvent",
    "classifier.cases.timeline": "the timeline of a case, and who opened it",
}


def find_reads(text):
    """Names of the log's tables that a module can read rows of: by import, or through Django's registry.

    What stands under TYPE_CHECKING is no import, and a name in a comment or a docstring none either.
    """
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = [ast.Pass()]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in (
            "portal.trust.audit",
            "portal.trust.audit.models",
        ):
            found |= {alias.name for alias in node.names} & {*LOG, "models", "*"}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("portal.trust.audit")}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("get_model"):
            said = ".".join(arg.value for arg in node.args if isinstance(arg, ast.Constant)).lower()
            found |= {said} if said.startswith("audit.") else set()
        elif isinstance(node, ast.Attribute) and node.attr == "audit_chain":
            found.add("audit_chain")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {word for word in ("audit_auditevent", "audit_chain__") if word in node.value}
    return found


def modules():
    for app in ("classifier", "portal"):
        for path in sorted((PROJECT / app).rglob("*.py")):
            name = ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
            # A migration moves what the log held into rows of their own.
            if ".migrations." not in name:
                yield name, path


def test_only_what_shows_the_log_reads_it():
    readers = {name for name, path in modules() if find_reads(path.read_text())}

    assert {name for name in readers if not name.startswith(f"{WRITES_AND_VERIFIES}.")} == set(SHOWS)


@pytest.mark.parametrize(
    "text",
    [
        "from portal.trust.audit.models import AuditEvent",
        "from portal.trust.audit.models import AuditEvent as Event",
        "def f():\n    from portal.trust.audit.models import AuditChain",
        "from portal.trust.audit.models import *",
        "from portal.trust.audit import models",
        "import portal.trust.audit.models",
        "apps.get_model('audit', 'AuditEvent')",
        "apps.get_model('audit.auditevent')",
        "clinic.audit_chain.events.last()",
        "Clinic.objects.filter(**{'audit_chain__events__action': 'a'})",
        "cursor.execute('SELECT action FROM audit_auditevent')",
    ],
)
def test_every_way_to_read_is_seen(text):
    assert find_reads(text)


@pytest.mark.parametrize(
    "text",
    [
        "from portal.trust.audit.services import record_event",
        "if TYPE_CHECKING:\n    from portal.trust.audit.models import AuditEvent",
        "apps.get_model('classifier', 'Reading')",
        '"""No AuditEvent is read here."""',
    ],
)
def test_writing_and_naming_are_no_reading(text):
    assert find_reads(text) == set()

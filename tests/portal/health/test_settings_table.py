"""The operators' table of settings is made from the settings modules; what is read no more is said."""

import io
import json
import re
from dataclasses import replace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from portal.operations.health.configuration import check_former_variables, stop_on_errors
from portal.operations.health.management.commands.list_settings import BEGIN, END, PAGE
from portal.operations.stack.configuration import StackConfiguration
from portal.operations.stack.demo import DemoCases
from portal.settings import environment
from portal.settings.environment import FORMER, GROUPS, MOVED, VARIABLES, Environment
from portal.settings.paths import BASE_DIR
from tests.portal.accounts.test_login_settings import read_settings


def test_table_for_operators_is_made_from_the_settings():
    out = io.StringIO()
    call_command("list_settings", stdout=out)
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)

    assert rest.partition(END)[0].strip() == out.getvalue().strip(), "run manage.py list_settings --update"
    assert {one.group for one in VARIABLES.values()} == set(GROUPS)
    assert "| `DERMAPORT_UPLOAD_MAX_BYTES` | 26214400 (25 MiB) |" in out.getvalue()


def test_update_writes_the_table_between_its_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nA former table.\n{END}\nafter\n", encoding="utf-8")
    call_command("list_settings", update=True, page=page, stdout=io.StringIO())
    text = page.read_text(encoding="utf-8")

    assert "A former table" not in text
    assert "`DERMAPORT_VAR`" in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    page.write_text("no markers", encoding="utf-8")
    with pytest.raises(CommandError):
        call_command("list_settings", update=True, page=page)


def test_settings_modules_read_nothing_past_the_table():
    """Those of tests and the check for what production lacks apart."""
    past = re.compile(r"environ\.Env|getenv|environ\[|environ\.get")
    found = {
        path.name
        for path in (BASE_DIR / "portal" / "settings").glob("*.py")
        if past.search(path.read_text(encoding="utf-8"))
    }

    assert found == {"environment.py", "production.py", "test.py"}


def test_every_name_outside_the_settings_is_in_the_table():
    """What the stack and the web server read by themselves is listed with the rest."""
    asked = re.compile(r"environ\.get\(\s*[\"']([A-Z_]+)|read_\w+\(\"([A-Z_]+)")
    ours = {"DERMAPORT_READY_FILE", "PYTEST_XDIST_WORKER", "CUDA_VISIBLE_DEVICES"}
    files = [path for folder in ("portal", "deploy") for path in (BASE_DIR / folder).rglob("*.py")]
    names = {
        name
        for path in files
        for found in asked.findall(path.read_text(encoding="utf-8"))
        for name in found
        if name
    }

    assert names - ours <= VARIABLES.keys()


def test_former_variables_are_reported_by_name(monkeypatch):
    assert check_former_variables() == []
    assert not FORMER.keys() & VARIABLES.keys()
    for name in FORMER:
        monkeypatch.setenv(name, "1")
    messages = check_former_variables()

    assert {message.id for message in messages} == {"health.W012"}
    assert [message.msg.split()[0] for message in messages] == list(FORMER)


@pytest.mark.django_db
def test_worker_says_at_its_start_what_it_does_not_read(monkeypatch, capsys, settings):
    settings.DERMAPORT_GATES = True
    monkeypatch.setenv("DERMAPORT_LEASE_SECONDS", "30")
    stop_on_errors()

    assert "health.W012: DERMAPORT_LEASE_SECONDS is set" in capsys.readouterr().err


def test_fixed_values_stand_as_the_warnings_say():
    assert environment.FORMER["DERMAPORT_STEP_UP_MINUTES"] == "10 minutes"
    assert MOVED.keys() <= FORMER.keys()
    given = dict.fromkeys(FORMER.keys() - MOVED.keys() - {"DERMAPORT_CSRF_TRUSTED_ORIGINS"}, "7")
    assert json.loads(read_settings(**given).stdout) == json.loads(read_settings().stdout)


@pytest.mark.parametrize(("threads", "waiting"), [("1", 0), ("2", 1), ("8", 4), ("32", 4)])
def test_waiting_leaves_half_of_the_threads(threads, waiting):
    done = read_settings("DERMAPORT_API_WAITING", WEB_THREADS=threads)
    assert json.loads(done.stdout) == {"DERMAPORT_API_WAITING": waiting}


def test_forms_come_from_the_names_of_the_site():
    done = read_settings(
        "CSRF_TRUSTED_ORIGINS",
        DERMAPORT_ALLOWED_HOSTS="skin.example,.clinic.example",
        DERMAPORT_SITE_URL="https://skin.example:8443/",
    )
    assert json.loads(done.stdout) == {
        "CSRF_TRUSTED_ORIGINS": ["https://skin.example", "https://skin.example:8443"]
    }


def test_no_graphics_card_is_taken_with_none_allowed():
    assert json.loads(read_settings("DERMAPORT_DEVICE", DERMAPORT_GPUS="0").stdout) == {
        "DERMAPORT_DEVICE": "cpu"
    }
    assert json.loads(read_settings("DERMAPORT_DEVICE").stdout) == {"DERMAPORT_DEVICE": "auto"}


def test_empty_number_has_its_default_and_a_second_read_needs_a_first(monkeypatch):
    monkeypatch.setenv("PORT", "")
    read = Environment("The site")
    assert read.integer("PORT", "its port", default=8000) == read.integer("PORT", default=8000) == 8000
    with pytest.raises(LookupError, match="OTHER: expected a meaning"):
        read.text("OTHER")


@pytest.mark.parametrize(
    ("kind", "default", "text", "expected"),
    [
        ("switch", True, "enabled", "1 or 0"),
        ("integer", 25, "25MB", "a whole number"),
        ("number", 15.0, "nan", "a number"),
        ("numbers", (443,), "443, https", "whole numbers"),
    ],
)
def test_value_of_another_kind_is_refused_by_name(monkeypatch, kind, default, text, expected):
    """A switch that is misspelt must not count as off: it may be a guard."""
    monkeypatch.setenv("PORT", text)
    with pytest.raises(ImproperlyConfigured, match=f"PORT: expected {expected}, received '"):
        getattr(Environment("The site"), kind)("PORT", "its port", default=default)


def test_blanks_in_a_list_do_not_count_but_in_secrets(monkeypatch):
    monkeypatch.setenv("PORT", " 10.20.0.0/16, 10.30.0.0/16 ,,")
    read = Environment("The site")

    assert read.names("PORT", "networks") == ["10.20.0.0/16", "10.30.0.0/16"]
    assert read.secrets("PORT", "keys")[:2] == [" 10.20.0.0/16", " 10.30.0.0/16 "]
    monkeypatch.setenv("PORT", "443, 8443")
    assert read.numbers("PORT", "ports", default=(1,)) == [443, 8443]


def test_stack_and_settings_read_a_switch_and_a_number_alike(monkeypatch, tmp_path):
    monkeypatch.setenv("DERMAPORT_DEMO", "n")
    monkeypatch.setenv("DERMAPORT_GPUS", "")
    configuration = StackConfiguration.from_environment()
    demo = DemoCases(replace(configuration, var=tmp_path), print)
    (tmp_path / "demo-log-ins.txt").touch()

    assert configuration.processes == 1
    assert not demo.is_due
    assert not Environment("Logs and demo").switch("DERMAPORT_DEMO", default=True)


def test_folders_that_are_set_to_nothing_are_those_of_the_project():
    done = read_settings("VAR_DIR", "DERMAPORT_MODELS_DIR", DERMAPORT_VAR="", DERMAPORT_MODELS_DIR="")

    assert json.loads(done.stdout) == {
        "VAR_DIR": repr(BASE_DIR / "var"),
        "DERMAPORT_MODELS_DIR": repr(BASE_DIR / "ml" / "weights"),
    }

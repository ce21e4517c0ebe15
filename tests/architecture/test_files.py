import ast
import re
import subprocess
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
OURS = ("portal", "classifier", "ml", "tests", "deploy", "templates")
TOP_LEVEL = {
    *("README.md", "manage.py", "pyproject.toml", "Makefile", "LICENSE"),
    *(
        "requirements",
        "deploy",
        "docs",
        ".ci",
        ".gitignore",
        "portal",
        "classifier",
        "ml",
        "templates",
        "tests",
    ),
}


def test_top_level_holds_what_the_design_names():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=False
    ).stdout
    found = {line.split("/", 1)[0] for line in listed.splitlines()}

    assert found <= TOP_LEVEL


@pytest.mark.parametrize("name", ["runtime", "dev", "gpu"])
def test_lock_names_no_place(name):
    text = (PROJECT / "requirements" / f"{name}.txt").read_text()

    assert not re.search(r"https?:|//|index-url|find-links|trusted-host|@ ", text)
    assert not re.search(r"#", text)


@pytest.mark.parametrize("name", ["runtime", "dev", "gpu"])
def test_every_locked_version_has_hashes(name):
    text = (PROJECT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")

    for line in text.splitlines():
        assert re.match(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line[:80]


def test_dev_repeats_the_versions_of_runtime():
    def pins(name):
        text = (PROJECT / "requirements" / f"{name}.txt").read_text()
        return set(re.findall(r"^[a-z0-9.\[\],-]+==[^ ]+", text, re.MULTILINE))

    assert pins("runtime") <= pins("dev")


# Django loads it by the address of a database.
BY_NAME_ALONE = {"psycopg"}


def test_every_requirement_is_used_by_what_is_served():
    """What tests alone use belongs to the group dev; what nobody uses is installed for nothing."""
    modules = {}
    for module, names in packages_distributions().items():
        for name in names:
            modules.setdefault(re.sub(r"[._]", "-", name.lower()), set()).add(module)
    wanted = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.sub(r"[._]", "-", re.match(r"[\w.-]+", one)[0].lower()) for one in wanted} - BY_NAME_ALONE
    files = [
        path
        for folder in ("portal", "classifier", "ml", "deploy")
        for path in (PROJECT / folder).rglob("*.py")
    ]
    words = set(re.findall(r"\w+", "\n".join(path.read_text() for path in files)))

    assert len(names) > 20
    assert {name for name in names if not modules[name] & words} == set()


@pytest.mark.parametrize("folder", OURS)
def test_no_work_is_left_for_later(folder):
    """A mark in the code is read by nobody: finish it, or file it."""
    marks = re.compile(r"\b(TO" r"DO|FIX" r"ME|raise NotImplemented" r"Error|x" r"fail)\b")
    texts = [path for path in (PROJECT / folder).rglob("*") if path.suffix in {".py", ".html", ".css", ".js"}]

    assert [str(path) for path in texts if marks.search(path.read_text())] == []


def test_no_conditional_assertion():
    """`assert x == 200 if ok else 403` holds always when not ok: 403 is true."""
    traps = [
        f"{path}:{node.lineno}"
        for path in (PROJECT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.IfExp)
    ]

    assert traps == []


def test_what_mypy_does_not_look_at_says_why():
    marks = [
        f"{path}:{number}"
        for folder in ("portal", "classifier", "ml")
        for path in (PROJECT / folder).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if "# type: ignore" in line and not re.search(r"# type: ignore\[[a-z, -]+\].*(# \w|\(\w)", line)
    ]

    assert marks == []

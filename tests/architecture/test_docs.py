"""Docs that lead astray are worse than none: links, places and names on the pages exist."""

import argparse
import functools
import importlib
import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import BaseCommand, get_commands, load_command_class

PROJECT = Path(__file__).resolve().parent.parent.parent
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```.*?^```$|^ {4}\S[^\n]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
PLACE = re.compile(r"`((?:classifier|portal|ml|tests|templates|deploy|docs|requirements)/[\w./*\\-]*)`")
NAME = re.compile(r"`(\w+)(?:\.\w+)*`")


def name_page(path):
    return str(path.relative_to(PROJECT))


@functools.cache
def list_anchors(path):
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    # As the pages are shown: lower case, words joined by hyphens, other signs left out.
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@functools.cache
def read_code():
    files = subprocess.run(
        ["git", "ls-files", "*.py", "deploy/Procfile"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return "\n".join(
        (PROJECT / file).read_text(encoding="utf-8") for file in files if (PROJECT / file).is_file()
    )


@pytest.mark.parametrize("document", PAGES, ids=name_page)
def test_links_lead_somewhere(document):
    astray = []
    for found in LINK.findall(FENCE.sub("", document.read_text(encoding="utf-8"))):
        link = found[0] or found[1]
        if re.match(r"https?:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        if not target.exists() or (anchor and anchor not in list_anchors(target)):
            astray.append(link)

    assert astray == []


@pytest.mark.parametrize("document", PAGES, ids=name_page)
def test_places_in_the_code_exist(document):
    places = PLACE.findall(document.read_text(encoding="utf-8"))

    assert [place for place in places if not list(PROJECT.glob(place.rstrip("/")))] == []


def test_tests_that_make_leaves_out_exist():
    """A path that leads nowhere leaves nothing out, and nobody is told."""
    text = (PROJECT / "Makefile").read_text(encoding="utf-8")
    block = re.search(r"addprefix --ignore=tests/,(.*?)\)", text, re.DOTALL)
    assert block
    paths = block[1].replace("\\", " ").split()

    assert len(paths) > 5
    assert [path for path in paths if not (PROJECT / "tests" / path).exists()] == []


def test_names_of_the_glossary_stand_in_the_code():
    rows = [
        line.split("|")[3]
        for line in (PROJECT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("|") and line.count("|") == 4
    ]
    names = {name for row in rows for name in NAME.findall(row)}
    code = read_code()

    assert len(names) > 30
    assert {name for name in names if not re.search(rf"\b{name}\b", code)} == set()


def test_every_page_is_reached_from_the_readme():
    reached, open_pages = set(), [PROJECT / "README.md"]
    while open_pages:
        page = open_pages.pop()
        reached.add(page)
        for found in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / (found[0] or found[1]).partition("#")[0]).resolve()
            if target.suffix == ".md" and target.is_file() and target not in reached:
                open_pages.append(target)

    assert set(PAGES) <= reached


# What a page has somebody type: a command of ours and its options, up to a comment, a pipe or the end of a quote.
TYPED = re.compile(r"(manage\.py|-m ml|\bmake) ([a-z][a-z_-]*)([^`|#\n&)]*(?:\\\n[^`|#\n&)]*)*)")


def list_options(door, name):
    """The options of a command, None where there is none of that name."""
    if door == "make":
        targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        return set() if name in targets else None
    if door == "-m ml":
        if not (PROJECT / "ml" / "commands" / f"{name}.py").is_file():
            return None
        parser = argparse.ArgumentParser()
        importlib.import_module(f"ml.commands.{name}").add_arguments(parser)
    elif name in get_commands():
        app = get_commands()[name]
        command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
        parser = command.create_parser("manage.py", name)
    else:
        return None
    # Also those of its parts, such as `outline train`.
    menus = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    parts = [part for menu in menus for part in menu.choices.values()]
    return {option for one in (parser, *parts) for option in one._option_string_actions}


def test_commands_that_the_pages_name_exist_with_their_options():
    """On pages as they are typed; `make` in running text needs its quotes."""
    astray, seen = [], set()
    for page in PAGES:
        for door, name, rest in TYPED.findall(page.read_text(encoding="utf-8")):
            if door == "make" and not re.search(
                rf"(`|^    )[^`\n]*make {name}", page.read_text(), re.MULTILINE
            ):
                continue
            known = list_options(door, name)
            seen.add((door, name))
            wanted = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", rest)) if door != "make" else set()
            if known is None or not wanted <= known:
                astray.append((page.name, door, name, sorted(wanted - (known or set()))))

    assert len(seen) > 25
    assert astray == []

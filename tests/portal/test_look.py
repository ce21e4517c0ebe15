"""What can be checked of the look without looking: contrast, inline code, icons, links."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

PROJECT = Path(__file__).resolve().parent.parent.parent
STATIC = PROJECT / "portal" / "static" / "portal"
TEMPLATES = sorted((PROJECT / "templates").rglob("*.html"))
SHEETS = sorted((STATIC / "css").glob("*.css"))
THEMES = ("light", "dark")
GROUNDS = ("bg", "surface", "hover")
OUTCOMES = ("benign", "malignant", "refer", "waiting", "failed")


def read_tokens():
    source = (STATIC / "css" / "portal.css").read_text()
    pairs = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", source)
    return {name: dict(zip(THEMES, colours, strict=True)) for name, *colours in pairs}


def measure_luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def measure_contrast(one, other):
    darker, lighter = sorted((measure_luminance(one), measure_luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


TOKENS = read_tokens()
TEXT_PAIRS = [
    *((ink, ground) for ink in ("text", "muted", "accent", *OUTCOMES) for ground in GROUNDS),
    *((outcome, f"{outcome}-soft") for outcome in OUTCOMES),
    *(("text", f"{outcome}-soft") for outcome in OUTCOMES),
    ("accent", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("muted", "sunken"),
]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), TEXT_PAIRS)
def test_text_stands_out(theme, ink, ground):
    assert measure_contrast(TOKENS[ink][theme], TOKENS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("line", ["line-strong", "focus"])
@pytest.mark.parametrize("ground", GROUNDS)
def test_edges_of_fields_stand_out(theme, line, ground):
    assert measure_contrast(TOKENS[line][theme], TOKENS[ground][theme]) >= 3


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_inline_code(path):
    source = re.sub(r"{% comment %}.*?{% endcomment %}", "", path.read_text(), flags=re.DOTALL)

    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|hx-on", source)
    assert not re.search(r"<script(?![^>]*\bsrc=)", source)
    assert not re.search(r"https?://", source)


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_style_sheets_fetch_nothing_from_elsewhere(path):
    assert not re.search(r"@import|https?:|url\((?!#)", path.read_text())


def test_every_icon_exists():
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    used = {name for path in TEMPLATES for name in re.findall(r'{% icon "([^"]+)"', path.read_text())}

    assert used <= sprite


def test_every_icon_of_the_vocabulary_exists():
    from classifier.labels.looks import OUTCOMES, STATES
    from classifier.templatetags.ui import NOTICE_ICONS

    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    named = {look.icon for look in (*OUTCOMES.values(), *STATES.values())} | set(NOTICE_ICONS.values())

    assert named <= sprite


def test_every_static_file_of_a_template_exists():
    named = {name for path in TEMPLATES for name in re.findall(r"{% static '([^']+)'", path.read_text())}

    assert {name for name in named if not finders.find(name)} == set()


def test_what_a_press_does_is_said_by_one_script():
    """Two that listen for one button would do it twice: print two sheets, send two forms."""
    said: dict[str, list[str]] = {}
    for path in (STATIC / "js").glob("*.js"):
        for name in set(re.findall(r'closest(?:\?\.)?\("\[(data-[\w-]+)\]', path.read_text())):
            said.setdefault(name, []).append(path.name)

    assert {name: files for name, files in said.items() if len(files) > 1} == {}


def test_every_component_says_how_it_is_used():
    silent = [
        path.name
        for path in (PROJECT / "templates" / "components").glob("*.html")
        if not path.read_text().lstrip().startswith("{% comment %}")
    ]

    assert silent == []


def test_nothing_is_drawn_that_nobody_shows():
    """Classes of the style sheets, icons and components that no page, script or service names."""
    sources = [*TEMPLATES, *(STATIC / "js").rglob("*.js")]
    sources += [path for app in ("classifier", "portal") for path in (PROJECT / app).rglob("*.py")]
    words = set(re.findall(r"[\w-]+", " ".join(path.read_text(encoding="utf-8") for path in sources)))
    rules = re.sub(
        r"/\*.*?\*/|\"[^\"]*\"", "", " ".join(path.read_text() for path in SHEETS), flags=re.DOTALL
    )
    # Put together by a template from a word of a row, or given by Django to the errors of a field.
    made = re.compile(r"(tone|notice)-\w+|errorlist")
    classes = {name for name in re.findall(r"\.([a-zA-Z][\w-]*)", rules) if not made.fullmatch(name)}
    icons = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    included = " ".join(path.read_text(encoding="utf-8") for path in sources)
    components = {f"components/{path.name}" for path in (PROJECT / "templates" / "components").glob("*.html")}

    assert classes - words == set()
    assert icons - words == set()
    assert {name for name in components if name not in included} == set()

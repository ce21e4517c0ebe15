import datetime as dt
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from django.urls import resolve, reverse

from classifier.domain.states import PredictionState
from classifier.domain.vocabulary import ModelAnswer
from classifier.labels import looks
from classifier.labels import probability as as_words
from classifier.labels.probability import format_limits, policy_limits
from classifier.models import Prediction
from classifier.templatetags import ui


def render(source, **context):
    return Template("{% load ui scale %}" + source).render(Context(context))


@pytest.mark.parametrize("outcome", ModelAnswer.values)
def test_every_outcome_has_its_own_look(outcome):
    others = [look for name, look in looks.OUTCOMES.items() if name != outcome]
    look = looks.OUTCOMES[outcome]

    assert look.word == ModelAnswer(outcome).label
    assert look.icon not in {other.icon for other in others}
    assert look.tone not in {other.tone for other in others}


@pytest.mark.parametrize("state", PredictionState.values)
def test_every_state_has_a_look(state):
    assert state in looks.STATES


def test_chip_shows_icon_and_word():
    html = render("{% outcome_chip outcome %}", outcome=ModelAnswer.MALIGNANT)

    assert "#outcome-malignant" in html
    assert "Malignant" in html


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_outcome_yet_is_waiting_and_never_benign(nothing):
    html = render("{% outcome_chip outcome %}", outcome=nothing)

    assert "Waiting" in html
    assert "Benign" not in html


def test_unknown_outcome_is_never_benign():
    assert "Benign" not in render("{% outcome_chip outcome %}", outcome="something else")


@pytest.mark.parametrize(
    ("probability", "figure"),
    [(0.0, "<1"), (0.004, "<1"), (0.07, "7"), (0.5, "50"), (0.994, "99"), (0.996, ">99"), (1.0, ">99")],
)
def test_figures_never_claim_certainty(probability, figure):
    assert as_words.percent(probability) == f"{figure} %"
    assert as_words.format_score(probability) == figure
    assert (as_words.percent(None), as_words.format_score(None)) == ("unknown", "none")


LEFT_OUT = "In hospitals that it never learned from, it was"


@pytest.mark.parametrize(
    ("worth", "prevalence", "words"),
    [
        ((0.0685, 0.041, 0.21), 0.03, ("3 in 100", "about 7 are", f"{LEFT_OUT} 4 to 21.")),
        (
            (0.012, 0.002, 0.998),
            0.075,
            ("7.5 in 100", "about 1 is", f"{LEFT_OUT} fewer than 1 to more than 99."),
        ),
        ((0.001, 0.001, 0.004), 0.15, ("15 in 100", "fewer than 1 is", f"{LEFT_OUT} fewer than 1.")),
        ((0.999, None, None), 0.5, ("50 in 100", "more than 99 are", as_words.NO_RANGE)),
    ],
)
def test_worth_is_told_for_the_clinic_with_its_range(worth, prevalence, words):
    value, low, high = worth
    row = Prediction(
        probability=0.6,
        calibrated_probability=0.6,
        prevalence=prevalence,
        predictive_value=value,
        predictive_low=low,
        predictive_high=high,
    )
    common, count, rest = words
    expected = f"Of 100 lesions like this in a clinic where {common} are malignant, {count} malignant. {rest}"
    assert as_words.describe_worth(row) == expected
    assert as_words.list_worth(row) == [value, low, high, prevalence]


def test_worth_of_a_network_that_cannot_tell_and_of_no_figure():
    row = Prediction(probability=0.6, calibrated_probability=0.6, prevalence=0.03)
    assert as_words.describe_worth(row).startswith("How many lesions like this are malignant can't be said")
    row.is_far = True
    assert (as_words.describe_worth(row), as_words.list_worth(row)) == ("", [None] * 4)
    assert as_words.describe_worth(Prediction()) == ""


@pytest.mark.parametrize("probability", [0.0, 0.42, 1.0])
def test_scale_says_in_words_what_it_draws(probability):
    html = render("{% probability_scale p 0.38 0.28 0.52 'refer' %}", p=probability)

    words = f"The model's score: {as_words.format_score(probability)}."
    assert words in html.replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">")
    assert "Of 100: threshold 38; refers from 28 to 52." in html
    assert f'<svg x="{probability * 100:.1f}%"' in html
    assert "not how many lesions are malignant" in html


def test_scale_without_a_band_draws_none():
    assert "refers from" not in render("{% probability_scale 0.9 0.38 %}")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/submissions/0f3c5b0e-0a1b-4c69-9f0e-2f6f2b6d1c11/", "submission-list"),
        ("/submissions/0f3c5b0e-0a1b-4c69-9f0e-2f6f2b6d1c11/review/", "worklist"),
        ("/lesions/0f3c5b0e-0a1b-4c69-9f0e-2f6f2b6d1c11/", "patient-list"),
        ("/patients/", "patient-list"),
        ("/", "home"),
    ],
)
def test_one_place_of_the_rail_is_marked(rf, path, place):
    request = rf.get(path)
    request.resolver_match = resolve(path)
    places = ("home", "patient-list", "submission-list", "worklist", "dashboard", "settings")
    assert [name for name in places if ui.is_place(request, reverse(name))] == [place]


def test_initials_of_a_person_and_of_an_address():
    assert ui.initials("Inês Moreau") == "IM"
    assert ui.initials("a.fictiva@clinic.example") == "AF"


def test_code_marks_escape_what_they_mark():
    assert ui.code_marks("send `<b>` & wait") == "send <code>&lt;b&gt;</code> &amp; wait"
    assert ui.code_marks("plain") == "plain"


def test_moment_of_a_machine_is_valid_html():
    moment = dt.datetime(2026, 3, 3, 9, 15, 7, 123456, tzinfo=dt.UTC)

    assert dt.datetime.fromisoformat(ui.machine_moment(moment)) == moment.replace(microsecond=0)
    assert "." not in ui.machine_moment(moment)
    assert ui.machine_moment(dt.date(2026, 3, 3)) == "2026-03-03"
    assert ui.machine_moment(None) == ""


def test_every_template_writes_moments_by_the_one_filter():
    """`date:"c"` writes six digits of a second, which HTML doesn't read."""
    written = {
        (path.name, value)
        for path in Path(settings.BASE_DIR, "templates").rglob("*.html")
        for value in re.findall(r'<time\b[^>]*?datetime="(.*?)"', path.read_text())
    }

    assert written
    assert {(name, value) for name, value in written if not value.endswith("|machine_moment }}")} == set()


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ((0.18, 0.18, 0.51), ["refers from 18, the threshold, to 51"]),
        ((0.181, 0.179, 0.51), ["refers from 18, the threshold, to 51"]),
        ((0.51, 0.18, 0.51), ["refers from 18 to 51, the threshold"]),
        ((0.3, 0.18, 0.51), ["threshold 30", "refers from 18 to 51"]),
        ((0.3, None, None), ["threshold 30"]),
        ((0.3, 0.3, 0.3), ["threshold 30"]),
    ],
)
def test_limits_say_each_number_once(policy, words):
    threshold, low, high = policy
    html = render("{% probability_scale 0.9 t l h %}", t=threshold, l=low, h=high)
    key = re.search(r'<ul class="scale-key".*?</ul>', html, re.DOTALL)[0]
    said = re.findall(r"</svg>\s*(.*?)\s*</li>", key, re.DOTALL)

    assert format_limits(*policy) == words
    assert said == words
    assert f"Of 100: {'; '.join(words)}." in html


def test_limits_of_a_policy_in_a_table_of_facts():
    policy = {"threshold": 0.18, "refer_low": 0.18, "refer_high": 0.51}

    assert policy_limits(policy) == "refers from 18 %, the threshold, to 51 %"
    assert policy_limits({"threshold": 0.18}) == "18 %"

import pytest
from django.template.loader import get_template


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "413", "429", "500"])
def test_error_page_needs_no_request(code):
    """Django renders 400 and 500 with neither a request nor a context."""
    page = get_template(f"{code}.html").render()

    assert '<html lang="en' in page
    assert "<h1>" in page
    assert f"Code {code[:3]}" in page


def test_error_page_shows_no_place_of_the_portal():
    assert 'class="places"' not in get_template("404.html").render()


def test_too_large_names_limit_and_what_came():
    page = get_template("413.html").render({"received": 30 * 1024 * 1024, "limit": 25 * 1024 * 1024})

    assert "30.0" in page
    assert "25.0" in page

"""What a page says of cases: opened as somebody, without its frame, chip by chip."""

from django.test import Client
from django.urls import reverse


def open_as(person):
    client = Client()
    client.force_login(person)
    return client


def get(client, name, *args, **query):
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200, name
    return response.text


def main_of(page):
    """What the page says of cases: without the frame, the filters and the sheet of keys."""
    return page.partition('<main class="main"')[2].partition("</main>")[0]


def rows_of(page):
    return page.partition('<ul class="rows')[2].partition("</ul>")[0]


def chips_of(html):
    """Tone and words of each chip, in order."""
    found = []
    for part in html.split('class="chip tone-')[1:]:
        tone = part.split('"')[0].split(" ")[0]
        words = part.split("</svg>")[1].split("</span></span>")[0]
        found.append((tone, " ".join(_strip(words).split())))
        if "chip-large" in part.partition(">")[0]:
            # The headline of a case: who said so stands beside it.
            note = html.partition('class="standing-note">')[2].partition("<")[0]
            tone, words = found.pop()
            found.append((tone, f"{words} · {note}" if note else words))
    return found


def _strip(html):
    words, is_tag = "", False
    for character in html:
        if character == "<":
            is_tag = True
        elif character == ">":
            is_tag = False
        elif not is_tag:
            words += character
    return words

"""Blinding has one home: whoever wants to know whether an answer is hidden asks `classifier.standing.hiding`."""

from pathlib import Path

import classifier

MAY_READ = {
    "hiding.py": "the rule",
    "preconditions.py": "a changed setting changes the tag of what it hides",
    "people.py": "the API shows the setting itself",
    "records.py": "and so does its client",
}


def test_nobody_else_reads_the_setting_of_the_clinic():
    root = Path(classifier.__file__).parent
    readers = {
        path.name
        for path in root.rglob("*.py")
        if "migrations" not in path.parts and "hide_result_until_read" in path.read_text(encoding="utf-8")
    }
    assert readers == set(MAY_READ)

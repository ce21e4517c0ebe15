"""Class names: each is given once in the product, so that a search for it finds one thing.

Classes within classes (`Meta`) aside, and `Command`, the name by which Django finds a management command.
"""

import ast
from collections import defaultdict
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
PRODUCT = ("classifier", "ml", "portal")


def name_classes(text):
    """Names of the classes that a module gives, those under a condition or in a function included."""
    tree = ast.parse(text)
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    within = {id(part) for node in classes for child in node.body for part in ast.walk(child)}
    return [node.name for node in classes if id(node) not in within]


def test_every_class_has_a_name_of_its_own():
    homes = defaultdict(list)
    for path in sorted(path for part in PRODUCT for path in (PROJECT / part).rglob("*.py")):
        if "migrations" not in path.parts and path.parent.name != "commands":
            for name in name_classes(path.read_text()):
                homes[name].append(str(path.relative_to(PROJECT)))

    assert len(homes) > 500
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def test_a_class_within_a_class_may_be_called_as_another():
    assert name_classes("class A:\n    class Meta: pass\nif True:\n    class B: pass") == ["A", "B"]

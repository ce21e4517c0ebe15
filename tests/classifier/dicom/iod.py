"""A file against the standard's own tables (PS3.3), as highdicom carries them."""

from highdicom._standard_utils import (
    get_iod_module_map,
    get_module_attribute_map,
    get_sop_class_iod_map,
)


def find_faults(dataset):
    """What of the file's kind is missing, empty or does not belong there; empty when it conforms."""
    modules = get_iod_module_map()[get_sop_class_iod_map()[dataset.SOPClassUID]]
    table = get_module_attribute_map()
    mandatory = [row for module in modules if module["usage"] == "M" for row in table[module["key"]]]
    known = {(*row["path"], row["keyword"]) for module in modules for row in table[module["key"]]}
    return [
        *(fault for row in mandatory if (fault := _check(dataset, row))),
        *(f"{'/'.join(path)} does not belong here" for path in _walk(dataset) if path not in known),
    ]


def _check(dataset, row):
    """Types 1 and 2, at the top and within each item that stands in the file."""
    where = "/".join((*row["path"], row["keyword"]))
    if row["type"] not in ("1", "2"):
        return None
    for holder in _find_holders([dataset], row["path"]):
        if row["keyword"] not in holder:
            return f"{where} is missing"
        if row["type"] == "1" and holder[row["keyword"]].is_empty:
            return f"{where} is empty"
    return None


def _find_holders(holders, path):
    for keyword in path:
        holders = [item for holder in holders for item in holder.get(keyword) or []]
    return holders


def _walk(dataset, path=()):
    for element in dataset:
        here = (*path, element.keyword or str(element.tag))
        yield here
        if element.VR == "SQ":
            for item in element.value:
                yield from _walk(item, here)

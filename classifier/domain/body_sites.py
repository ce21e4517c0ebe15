"""The body sites as a list to choose from: by region, each site under the one it belongs to."""

from functools import cache

from isic_metadata.anatom_site_hierarchical import AnatomSiteEnum

from classifier.domain.vocabulary import BODY_SITES, UNSPECIFIED_SITE

INDENT = "\u2002\u2002"


@cache
def group_body_sites() -> list[tuple[str, list[tuple[str, str]]]]:
    """Choices for a grouped select: (region, [(code, name)]), finer sites indented."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for site in sorted(AnatomSiteEnum, key=lambda site: site.value.split(":")):
        parts = site.value.split(":")
        depth = max(len(parts) - 2, 0)
        name = f"{parts[0]}, not finer" if len(parts) == 1 else parts[-1]
        regions.setdefault(parts[0], []).append((site.name, INDENT * depth + name))
    order = ["Head and neck", "Trunk", "Upper extremity", "Lower extremity", "Anogenital region"]
    groups = [(region, regions[region]) for region in order]
    groups += [(region, sites) for region, sites in regions.items() if region not in order]
    return [*groups, ("Unknown", [(UNSPECIFIED_SITE, BODY_SITES[UNSPECIFIED_SITE])])]

"""Body sites and the standard's codes of them."""

from isic_metadata.anatom_site_hierarchical import AnatomSiteEnum
from pydicom.sr.codedict import codes

from classifier.dicom.anatomy import find_code, find_site
from classifier.dicom.anatomy_codes import KEYWORDS


def test_every_code_is_in_the_context_group():
    assert set(KEYWORDS) <= set(AnatomSiteEnum.__members__)
    for site in KEYWORDS:
        code = find_code(site)
        assert code.value.isdigit()
        assert find_site(f"{code.scheme_designator} {code.value}") == site
    sites = [find_code(site.name) for site in AnatomSiteEnum]
    assert sum(code.scheme_designator == "SCT" for code in sites) > 0.9 * len(sites)


def test_a_finer_site_takes_the_code_around_it():
    assert find_code("lower_extremity_foot_toes_great_toe") == codes.cid4029.SkinOfToe
    assert find_code("trunk") == find_code("unspecified") == codes.cid4029.Skin
    assert find_site("SCT 1234") == ""

"""Body sites of the ISIC archive as the standard's codes of dermatology anatomic sites (CID 4029).

Only where both name the same place; a finer site takes the code of the nearest one around it. The
codes (SNOMED CT, a few of FMA and of DICOM itself) and their meanings are those of pydicom's copy of
the context group.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from isic_metadata.anatom_site_hierarchical import AnatomSiteEnum
from pydicom.sr.codedict import codes

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

SKIN = codes.cid4029.Skin
KEYWORDS = {
    "upper_extremity": "SkinOfUpperExtremity",
    "lower_extremity": "SkinOfLowerExtremity",
    "head_and_neck_head": "SkinOfHead",
    "head_and_neck_head_ear": "SkinOfEar",
    "head_and_neck_head_ear_external_auditory_canal": "SkinOfExternalAuditoryCanal",
    "head_and_neck_head_ear_pinna_concha": "SkinOfCavityOfConcha",
    "head_and_neck_head_ear_pinna_helix_of_pinna": "SkinOfHelixOfEar",
    "head_and_neck_head_face": "SkinOfFace",
    "head_and_neck_head_face_cheek": "SkinOfCheek",
    "head_and_neck_head_face_chin": "SkinOfChin",
    "head_and_neck_head_face_forehead": "SkinOfForehead",
    "head_and_neck_head_face_mouth": "OralMucosa",
    "head_and_neck_head_face_mouth_floor_of_mouth": "MucosaOfFloorOfMouth",
    "head_and_neck_head_face_mouth_tongue": "MucosaOfTongue",
    "head_and_neck_head_face_nose": "SkinOfNose",
    "head_and_neck_head_face_nose_ala_nasi": "SkinOfAlaNasi",
    "head_and_neck_head_face_nose_dorsum_of_nose": "SkinOfDorsumOfNose",
    "head_and_neck_head_face_nose_lateral_side_wall_of_nose": "SkinOfSideOfNose",
    "head_and_neck_head_face_nose_tip_of_nose": "SkinOfTipOfNose",
    "head_and_neck_head_face_oral_region_lip": "SkinOfLip",
    "head_and_neck_head_face_oral_region_lower_lip": "SkinOfLowerLip",
    "head_and_neck_head_face_oral_region_nasolabial_fold": "SkinOfNasolabialFold",
    "head_and_neck_head_face_oral_region_perioral_region": "SkinOfPerioralRegionOfFace",
    "head_and_neck_head_face_oral_region_upper_lip": "SkinOfUpperLip",
    "head_and_neck_head_face_orbital_region": "SkinOfEyeRegion",
    "head_and_neck_head_face_orbital_region_cornea": "Cornea",
    "head_and_neck_head_face_orbital_region_iris": "Iris",
    "head_and_neck_head_face_orbital_region_sclera": "Sclera",
    "head_and_neck_head_face_temple": "SkinOfTemporalRegion",
    "head_and_neck_head_scalp": "SkinOfScalp",
    "head_and_neck_head_scalp_vertex_of_scalp": "SkinOfVertexOfScalp",
    "head_and_neck_neck": "SkinOfNeck",
    "head_and_neck_neck_front_of_neck": "SkinOfAnteriorPortionOfNeck",
    "head_and_neck_neck_nape_of_neck": "SkinOfNuchalRegion",
    "head_and_neck_neck_side_of_neck": "SkinOfLateralPortionOfNeck",
    "head_and_neck_neck_supraclavicular_region": "SkinOfSupraclavicularRegionOfNeck",
    "trunk_anterior_trunk": "SkinOfAnteriorTrunk",
    "trunk_anterior_trunk_anterior_abdomen": "SkinOfAbdomen",
    "trunk_anterior_trunk_anterior_abdomen_lower_anterior_abdomen": "SkinOfLowerAbdomen",
    "trunk_anterior_trunk_anterior_abdomen_lower_anterior_abdomen_hypogastric_region": (
        "SkinOfHypogastricRegion"
    ),
    "trunk_anterior_trunk_anterior_abdomen_lower_anterior_abdomen_inguinal_region": "SkinOfInguinalRegion",
    "trunk_anterior_trunk_anterior_abdomen_periumbilical_region_umbilicus": "SkinOfUmbilicus",
    "trunk_anterior_trunk_anterior_abdomen_upper_anterior_abdomen": "SkinOfUpperAbdomen",
    "trunk_anterior_trunk_anterior_chest": "SkinOfAnteriorSurfaceOfThorax",
    "trunk_anterior_trunk_anterior_chest_breast_areola": "SkinOfAreola",
    "trunk_anterior_trunk_anterior_chest_breast_nipple": "SkinOfNipple",
    "trunk_anterior_trunk_anterior_chest_upper_anterior_chest_infraclavicular_region": (
        "SkinOfInfraclavicularRegion"
    ),
    "trunk_anterior_trunk_anterior_chest_upper_anterior_chest_presternal_region": "SternalSkin",
    "trunk_lateral_trunk_axilla": "SkinOfAxilla",
    "trunk_posterior_trunk": "SkinOfBack",
    "trunk_posterior_trunk_lower_back": "SkinOfLowerBack",
    "trunk_posterior_trunk_mid_back": "SkinOfMidBack",
    "upper_extremity_elbow_antecubital_fossa": "SkinOfAntecubitalFossa",
    "upper_extremity_elbow_elbow_tip": "SkinOfPosteriorSurfaceOfElbow",
    "upper_extremity_forearm_dorsal_forearm": "SkinOfPosteriorSurfaceOfForearm",
    "upper_extremity_forearm_volar_forearm": "SkinOfAnteriorSurfaceOfForearm",
    "upper_extremity_hand": "SkinOfHand",
    "upper_extremity_hand_fingers_and_thumb": "SkinOfDigitOfHand",
    "upper_extremity_hand_palm_of_hand": "SkinOfPalmOfHand",
    "upper_extremity_upper_arm_anterior_upper_arm": "SkinOfAnteriorSurfaceOfUpperArm",
    "upper_extremity_upper_arm_posterior_upper_arm": "SkinOfPosteriorSurfaceOfUpperArm",
    "upper_extremity_wrist_dorsal_wrist": "SkinOfDorsalAreaOfWrist",
    "upper_extremity_wrist_volar_wrist": "SkinOfPalmarAreaOfWrist",
    "lower_extremity_ankle_lateral_ankle": "SkinOfLateralAspectOfAnkle",
    "lower_extremity_ankle_medial_ankle": "SkinOfMedialAspectOfAnkle",
    "lower_extremity_buttock": "SkinOfButtock",
    "lower_extremity_buttock_gluteal_fold": "SkinOfGlutealFold",
    "lower_extremity_foot": "SkinOfFoot",
    "lower_extremity_foot_sole_of_foot_heel": "SkinOfHeel",
    "lower_extremity_foot_toes": "SkinOfToe",
    "lower_extremity_knee_patellar_region": "SkinOfAnteriorSurfaceOfKnee",
    "lower_extremity_knee_popliteal_fossa": "SkinOfPoplitealFossa",
    "lower_extremity_lower_leg_calf": "SkinOfPosteriorSurfaceOfLowerLeg",
    "lower_extremity_lower_leg_shin": "SkinOfAnteriorSurfaceOfLowerLeg",
    "lower_extremity_thigh_anterior_thigh": "SkinOfAnteriorSurfaceOfThigh",
    "lower_extremity_thigh_medial_thigh": "SkinOfMedialSurfaceOfThigh",
    "lower_extremity_thigh_posterior_thigh": "SkinOfPosteriorSurfaceOfThigh",
    "anogenital_region_genital_region": "SkinOfExternalGenitalia",
    "anogenital_region_genital_region_penis": "SkinOfPenis",
    "anogenital_region_genital_region_penis_glans_penis": "SkinOfGlansPenis",
    "anogenital_region_genital_region_scrotum": "SkinOfScrotum",
    "anogenital_region_genital_region_vagina_vaginal_introitus": "VaginalIntroitus",
    "anogenital_region_genital_region_vulva_frenulum_of_labia_minora": "FrenulumOfLabiaMinora",
    "anogenital_region_genital_region_vulva_labium_majus": "SkinOfLabiumMajus",
    "anogenital_region_genital_region_vulva_labium_minus": "SkinOfLabiumMinus",
    "anogenital_region_genital_region_vulva_vulval_vestibule": "VulvalVestibule",
    "anogenital_region_perianal_region_anus": "SkinOfAnus",
    "anogenital_region_perianal_region_perineum": "SkinOfPerineum",
}
"""ISIC site to the keyword of its code in CID 4029."""


@cache
def find_code(site: str) -> Code:
    """The code of a body site, of the nearest site around it, or of skin alone."""
    for name in _list_around(site):
        if name in KEYWORDS:
            code: Code = getattr(codes.cid4029, KEYWORDS[name])
            return code
    return SKIN


@cache
def find_site(region: str) -> str:
    """The body site of a received "scheme code"; empty for one that names none of ours."""
    return _sites_by_code().get(region, "")


@cache
def _sites_by_code() -> dict[str, str]:
    found = ((getattr(codes.cid4029, keyword), site) for site, keyword in KEYWORDS.items())
    return {f"{code.scheme_designator} {code.value}": site for code, site in found}


def _list_around(site: str) -> list[str]:
    """The site itself, then the one that holds it, and so on outwards."""
    if site not in AnatomSiteEnum.__members__:
        return []
    parts = AnatomSiteEnum[site].value.split(":")
    by_value = {member.value: member.name for member in AnatomSiteEnum}
    return [by_value[":".join(parts[:count])] for count in range(len(parts), 0, -1)]

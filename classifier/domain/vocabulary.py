"""Vocabulary: the coded words of the domain. Body sites are the ISIC archive's anatomical sites."""

from django.db.models import TextChoices
from isic_metadata.anatom_site_hierarchical import AnatomSiteEnum


class Sex(TextChoices):
    """FHIR administrative-gender."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Unknown"


class SkinType(TextChoices):
    """Fitzpatrick phototype."""

    I = "I", "I: always burns, never tans"  # noqa: E741
    II = "II", "II: usually burns, tans a little"
    III = "III", "III: sometimes burns, tans evenly"
    IV = "IV", "IV: rarely burns, tans well"
    V = "V", "V: very rarely burns, brown skin"
    VI = "VI", "VI: never burns, dark skin"


class Laterality(TextChoices):
    """DICOM (0020,0060) in words, with the midline."""

    LEFT = "left", "Left"
    RIGHT = "right", "Right"
    MIDLINE = "midline", "Midline"
    UNSPECIFIED = "unspecified", "Not given"


class ModelAnswer(TextChoices):
    """What the model says. `refer` is a result: the model can't or shouldn't judge."""

    BENIGN = "benign", "Benign"
    MALIGNANT = "malignant", "Malignant"
    REFER = "refer", "Refer"


# Why the model refers an image that the gates let pass.
TOO_CLOSE = "policy"
UNLIKE_TRAINING = "unlike_training"


class Standing(TextChoices):
    """What a case, a lesion or a patient is held for, whoever said it.

    `refer` is "too close to call", or unlike all that the network learned from.
    """

    MALIGNANT = "malignant", "Malignant"
    INDETERMINATE = "indeterminate", "Can't be told"
    REFER = "refer", "Refer"
    NOT_JUDGED = "not_judged", "Not judged"
    IN_WORK = "in_work", "In work"
    BENIGN = "benign", "Benign"
    WITHDRAWN = "withdrawn", "Withdrawn"


class StandingBasis(TextChoices):
    """Whose word a standing is; the earlier of these outweighs the later."""

    HISTOPATHOLOGY = "histopathology", "Pathologist"
    REVIEW = "review", "Dermatologist"
    MODEL = "model", "Model"
    STATE = "state", "Portal"


class Priority(TextChoices):
    """FHIR request-priority, the two that a skin clinic uses."""

    ROUTINE = "routine", "Routine"
    URGENT = "urgent", "Urgent"


class ConsentPurpose(TextChoices):
    """What a patient's images may be used for."""

    INFERENCE = "inference", "A model judges the images"
    TEACHING = "teaching", "The images are used to teach"
    TRAINING = "training", "The data leave in exports, also to train models"


class ConsentOrigin(TextChoices):
    """How a word on consent came into the portal."""

    STATED = "stated", "Chosen by who recorded it"
    DEFAULT = "default", "Ticked by default"
    ELSEWHERE = "elsewhere", "Recorded in another system"


class ErasureReason(TextChoices):
    """Why a patient's data were erased: a code, so that the audit log holds no patient's word."""

    REQUEST = "request", "The patient asked for it"
    RETENTION = "retention", "The time that the clinic keeps data is over"
    MISTAKE = "mistake", "The patient was entered by mistake"
    OTHER = "other", "Another reason, kept outside the portal"


class FileStore(TextChoices):
    SEALED = "sealed", "Originals"
    DERIVED = "derived", "Pictures made from them"


class Source(TextChoices):
    """By which door a case came."""

    PAGE = "page", "Portal"
    API = "api", "API"
    # Of cases from before the client took the place of the server's own folder import.
    FOLDER = "folder", "Folder"
    DEMO = "demo", "Demo"


class CaptureKind(TextChoices):
    """Of each picture. The network judges dermoscopic ones only; the others are shown and kept."""

    DERMOSCOPIC = "dermoscopic", "Dermoscopic"
    CLINICAL = "clinical", "Clinical close-up"
    OVERVIEW = "overview", "Overview"


class DermoscopicType(TextChoices):
    """How a dermoscopic picture was lit and whether the dermatoscope touched the skin: ISIC's terms."""

    CONTACT_POLARIZED = "contact_polarized", "Contact, polarised"
    CONTACT_NON_POLARIZED = "contact_non_polarized", "Contact, not polarised"
    NON_CONTACT_POLARIZED = "non_contact_polarized", "Without contact, polarised"


class ModelLifecycle(TextChoices):
    REGISTERED = "registered", "Registered"
    SHADOW = "shadow", "Shadow"
    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"


class Agreement(TextChoices):
    AGREES = "agrees", "Agrees with the model"
    DISAGREES = "disagrees", "Disagrees with the model"
    NO_RESULT = "no_result", "The model gave no usable result"
    UNDETERMINED = "undetermined", "Can't be compared"


class Diagnosis(TextChoices):
    """What the dermatologist reads; the names follow the HAM10000 and ISIC groups."""

    NAEVUS = "naevus", "Melanocytic naevus"
    MELANOMA = "melanoma", "Melanoma"
    BASAL_CELL_CARCINOMA = "basal_cell_carcinoma", "Basal cell carcinoma"
    SQUAMOUS_CELL_CARCINOMA = "squamous_cell_carcinoma", "Squamous cell carcinoma"
    ACTINIC_KERATOSIS = "actinic_keratosis", "Actinic keratosis or Bowen's disease"
    SEBORRHOEIC_KERATOSIS = "seborrhoeic_keratosis", "Seborrhoeic or other benign keratosis"
    DERMATOFIBROMA = "dermatofibroma", "Dermatofibroma"
    VASCULAR_LESION = "vascular_lesion", "Vascular lesion"
    OTHER_BENIGN = "other_benign", "Other benign lesion"
    OTHER_MALIGNANT = "other_malignant", "Other malignant lesion"
    INDETERMINATE = "indeterminate", "Can't be told from the image"


class Histopathology(TextChoices):
    """What the pathologist found; finer than what can be read in an image."""

    NAEVUS = "naevus", "Melanocytic naevus"
    DYSPLASTIC_NAEVUS = "dysplastic_naevus", "Dysplastic naevus"
    MELANOMA_IN_SITU = "melanoma_in_situ", "Melanoma in situ"
    MELANOMA_INVASIVE = "melanoma_invasive", "Invasive melanoma"
    BASAL_CELL_CARCINOMA = "basal_cell_carcinoma", "Basal cell carcinoma"
    SQUAMOUS_CELL_CARCINOMA = "squamous_cell_carcinoma", "Squamous cell carcinoma"
    ACTINIC_KERATOSIS = "actinic_keratosis", "Actinic keratosis or Bowen's disease"
    SEBORRHOEIC_KERATOSIS = "seborrhoeic_keratosis", "Seborrhoeic or other benign keratosis"
    DERMATOFIBROMA = "dermatofibroma", "Dermatofibroma"
    VASCULAR_LESION = "vascular_lesion", "Vascular lesion"
    OTHER_BENIGN = "other_benign", "Other benign lesion"
    OTHER_MALIGNANT = "other_malignant", "Other malignant lesion"
    INCONCLUSIVE = "inconclusive", "Inconclusive"


class LesionGroup(TextChoices):
    """What a diagnosis means for the patient."""

    BENIGN = "benign", "Benign"
    MALIGNANT = "malignant", "Malignant"
    INDETERMINATE = "indeterminate", "Can't be told"


DIAGNOSIS_GROUPS: dict[str, LesionGroup] = {
    Diagnosis.NAEVUS: LesionGroup.BENIGN,
    Diagnosis.MELANOMA: LesionGroup.MALIGNANT,
    Diagnosis.BASAL_CELL_CARCINOMA: LesionGroup.MALIGNANT,
    Diagnosis.SQUAMOUS_CELL_CARCINOMA: LesionGroup.MALIGNANT,
    # Bowen's disease is carcinoma in situ, and HAM10000 counts both as malignant.
    Diagnosis.ACTINIC_KERATOSIS: LesionGroup.MALIGNANT,
    Diagnosis.SEBORRHOEIC_KERATOSIS: LesionGroup.BENIGN,
    Diagnosis.DERMATOFIBROMA: LesionGroup.BENIGN,
    Diagnosis.VASCULAR_LESION: LesionGroup.BENIGN,
    Diagnosis.OTHER_BENIGN: LesionGroup.BENIGN,
    Diagnosis.OTHER_MALIGNANT: LesionGroup.MALIGNANT,
    Diagnosis.INDETERMINATE: LesionGroup.INDETERMINATE,
}
"""The one table of what a dermatologist's diagnosis means."""

HISTOPATHOLOGY_GROUPS: dict[str, LesionGroup] = {
    Histopathology.NAEVUS: LesionGroup.BENIGN,
    Histopathology.DYSPLASTIC_NAEVUS: LesionGroup.BENIGN,
    Histopathology.MELANOMA_IN_SITU: LesionGroup.MALIGNANT,
    Histopathology.MELANOMA_INVASIVE: LesionGroup.MALIGNANT,
    Histopathology.BASAL_CELL_CARCINOMA: LesionGroup.MALIGNANT,
    Histopathology.SQUAMOUS_CELL_CARCINOMA: LesionGroup.MALIGNANT,
    Histopathology.ACTINIC_KERATOSIS: LesionGroup.MALIGNANT,
    Histopathology.SEBORRHOEIC_KERATOSIS: LesionGroup.BENIGN,
    Histopathology.DERMATOFIBROMA: LesionGroup.BENIGN,
    Histopathology.VASCULAR_LESION: LesionGroup.BENIGN,
    Histopathology.OTHER_BENIGN: LesionGroup.BENIGN,
    Histopathology.OTHER_MALIGNANT: LesionGroup.MALIGNANT,
    Histopathology.INCONCLUSIVE: LesionGroup.INDETERMINATE,
}
"""The same of a pathologist's finding."""


READING_QUESTION = 1
"""Version of what a dermatologist is asked before the reveal; 1 asks for the diagnosis alone."""


class Procedure(TextChoices):
    """How the specimen was taken."""

    BIOPSY = "biopsy", "Biopsy"
    SHAVE = "shave", "Shave"
    EXCISION = "excision", "Excision"


class Management(TextChoices):
    NO_ACTION = "no_action", "No further action"
    FOLLOW_UP = "follow_up", "Follow up with a new image"
    NEW_IMAGE = "new_image", "Ask for a new image"
    SEE_IN_PERSON = "see_in_person", "See the patient in person"
    BIOPSY = "biopsy", "Biopsy"
    EXCISE = "excise", "Excise"
    URGENT_REFERRAL = "urgent_referral", "Urgent cancer referral"


ORDERS: dict[Management, int] = {
    Management.URGENT_REFERRAL: 2,
    Management.EXCISE: 28,
    Management.BIOPSY: 14,
    Management.SEE_IN_PERSON: 14,
    Management.NEW_IMAGE: 14,
    Management.FOLLOW_UP: 120,
}
"""What somebody has to do and acknowledge, with the days it may take where a clinic sets none."""


class AcknowledgedAs(TextChoices):
    """What was done about an order."""

    REFERRED = "referred", "Referred"
    EXCISED = "excised", "Excised"
    BIOPSIED = "biopsied", "Biopsied"
    SEEN = "seen", "Seen in person"
    NEW_IMAGE_SENT = "new_image_sent", "New image sent"
    APPOINTMENT = "appointment", "Appointment made"
    PATIENT_INFORMED = "patient_informed", "Patient informed"
    DECLINED = "declined", "Patient declined"
    OTHER = "other", "Other, see the note"


def _site_label(value: str) -> str:
    parts = value.split(":")
    return parts[-1] if len(parts) == 1 else f"{parts[-1]} ({', '.join(parts[:-1]).lower()})"


UNSPECIFIED_SITE = "unspecified"

BODY_SITES: dict[str, str] = {
    **{site.name: _site_label(site.value) for site in AnatomSiteEnum},
    # Folders of images often come without a site; a guess would be worse than none.
    UNSPECIFIED_SITE: "Site not given",
}
"""Code (as in the ISIC hierarchy) to words."""

BODY_SITE_CHOICES: list[tuple[str, str]] = list(BODY_SITES.items())


def body_site_choices() -> list[tuple[str, str]]:
    """As a function, so that migrations name it instead of repeating two hundred sites."""
    return BODY_SITE_CHOICES


def body_site_within(code: str) -> list[str]:
    """The code itself and every finer site below it, for filters."""
    if code == UNSPECIFIED_SITE:
        return [code]
    parent = AnatomSiteEnum[code].value
    return [s.name for s in AnatomSiteEnum if s.value == parent or s.value.startswith(parent + ":")]


class WebhookEventType(TextChoices):
    """What a clinic can choose, and the test that it can ask for."""

    PREDICTION_SUCCEEDED = "prediction.succeeded", "The model judged an image"
    PREDICTION_REFUSED = "prediction.refused", "The model can't judge an image, or it refers it"
    PREDICTION_FAILED = "prediction.failed", "An image has no result"
    REVIEW_SIGNED = "review.signed", "A review was signed"
    REVIEW_AMENDED = "review.amended", "A review was amended"
    TEST = "webhook.test", "Test"


CHOSEN_EVENTS = [choice for choice in WebhookEventType.choices if choice[0] != WebhookEventType.TEST]


class SignatureScheme(TextChoices):
    """How the deliveries to an endpoint are signed."""

    STANDARD = "standard", "Standard Webhooks"
    FORMER = "former", "Dermaport-Signature"
    # The secret was changed from a former one: that one goes on signing its own way until its time is over.
    CHANGING = "changing", "Standard Webhooks, and Dermaport-Signature with the former secret"


class DisabledReason(TextChoices):
    BY_PERSON = "by_person", "Switched off by a person"
    FAILING = "failing", "Switched off after days of failure"

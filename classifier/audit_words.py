"""The trail in plain words: what each action is called by the people who read it."""

ACTION_WORDS: dict[str, str] = {
    "submission.created": "sent a case",
    "submission.viewed": "looked at a case",
    "submission.listed": "looked at a list of cases",
    "submission.cancelled": "cancelled a case",
    "submission.retried": "had images judged again",
    "submission.exported": "exported cases as CSV",
    "submission.read_unseen": "read a case before seeing the model's answer",
    "submissionimage.viewed": "looked at an image",
    "worklist.listed": "looked at the worklist",
    "patient.created": "added a patient",
    "patient.updated": "corrected a patient's record",
    "patient.viewed": "looked at a patient",
    "patient.listed": "looked at a list of patients",
    "lesion.created": "added a lesion",
    "lesion.viewed": "looked at a lesion",
    "prediction.viewed": "looked at a result",
    "prediction.listed": "looked at a list of results",
    "prediction.succeeded": "the model judged an image",
    "prediction.failed": "the model gave up on an image",
    "prediction.rejected": "an image could not be judged",
    "review.signed": "signed a review",
    "review.amended": "signed an amendment",
    "review.viewed": "looked at a review",
    "audit.exported": "exported the audit trail",
    "clinic.created": "set up the clinic",
    "clinic.updated": "changed the clinic's settings",
    "membership.created": "gave a person access",
    "membership.role_changed": "changed a person's role",
    "membership.deactivated": "ended a person's access",
    "membership.activated": "gave a person access again",
    "user.created": "created a log-in",
    "user.made_operator": "made a person an operator",
    "user.password_link_made": "made a link to set a password",
}


def describe_action(action: str) -> str:
    """Words of an action; an unknown one reads as it is stored, without its dots."""
    return ACTION_WORDS.get(action) or action.replace(".", " ").replace("_", " ")

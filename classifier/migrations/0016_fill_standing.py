"""Works out what every case, lesion and patient is held for, once, from the rows that are there.

Each batch is a transaction of its own: stopped half-way, the migration is run again and goes on, and
what was written already stays.
"""

import datetime as dt

from django.db import migrations, transaction
from django.db.models import Max, Min

from classifier.standing.columns import Tables, refresh_everything
from classifier.standing.standing import find_agreement
from portal.trust.common.immutability import allow_change, refuse_change

BATCH = 500
SATISFIED_BY_IMAGE = ("new_image", "follow_up")
SATISFIED_BY_SPECIMEN = {"biopsy": "biopsied", "excise": "excised"}


def note_origin_of_consents(apps, editor):
    """The first word on a model's judging came with the patient, from a form that had it ticked."""
    Consent = apps.get_model("classifier", "Consent")
    first = Consent.objects.filter(purpose="inference").order_by().values("patient")
    moments = dict(first.annotate(first=Min("recorded_at")).values_list("patient", "first"))
    patients = list(moments)
    for start in range(0, len(patients), BATCH):
        with transaction.atomic():
            rows = Consent.objects.filter(
                patient__in=patients[start : start + BATCH], purpose="inference", is_given=True
            )
            ids = [
                pk
                for pk, patient, at in rows.values_list("pk", "patient", "recorded_at")
                if at == moments[patient]
            ]
            Consent.objects.filter(pk__in=ids).update(origin="default")


def acknowledge_what_was_done(apps, editor):
    """An order that a later case or a specimen answers is not told as open after the upgrade."""
    Review, Acknowledgement = (
        apps.get_model("classifier", "Review"),
        apps.get_model("classifier", "Acknowledgement"),
    )
    Submission, Outcome = apps.get_model("classifier", "Submission"), apps.get_model("classifier", "Outcome")
    orders = [*SATISFIED_BY_IMAGE, *SATISFIED_BY_SPECIMEN]
    rows = Review.objects.filter(
        amended_by__isnull=True, management__in=orders, acknowledgements__isnull=True
    )
    for review in list(
        rows.select_related("submission").only(
            "management", "signed_at", "submission__lesion_id", "submission__submitted_at"
        )
    ):
        found = None
        if review.management in SATISFIED_BY_IMAGE:
            later = (
                Submission.objects.filter(
                    lesion=review.submission.lesion_id,
                    cancelled_at__isnull=True,
                    submitted_at__gt=review.signed_at,
                )
                .order_by("submitted_at")
                .values_list("submitted_by", "submitted_at")
                .first()
            )
            found = later and (later[0], later[1], "new_image_sent")
        else:
            specimen = (
                Outcome.objects.filter(
                    lesion=review.submission.lesion_id, specimen_taken_on__gte=review.signed_at.date()
                )
                .order_by("recorded_at")
                .values_list("recorded_by", "recorded_at")
                .first()
            )
            found = specimen and (specimen[0], specimen[1], SATISFIED_BY_SPECIMEN[review.management])
        if found:
            person, at, done = found
            Acknowledgement.objects.create(
                review=review, done=done, done_on=at.date(), acknowledged_by_id=person, acknowledged_at=at
            )


def fill_columns(apps, editor):
    steps = refresh_everything(Tables.load(apps))
    while True:
        with transaction.atomic():
            if next(steps, None) is None:
                break


def compute_agreement(apps, editor):
    """Agreement follows from the diagnosis; what was stated is kept beside it."""
    Review = apps.get_model("classifier", "Review")
    try:
        Excuse = apps.get_model("common", "ChangeExcuse")
    except LookupError:  # a new database may know it by its later name already
        Excuse = apps.get_model("common", "ChangeBypass")
    while True:
        with transaction.atomic():
            rows = list(
                Review.objects.filter(stated_agreement="")
                .select_related("submission")
                .only("diagnosis", "agreement", "submission__model_answer")[:BATCH]
            )
            if not rows:
                break
            excuse = Excuse.objects.create(reason="agreement computed")
            for row in rows:
                row.stated_agreement = row.agreement
                row.agreement = find_agreement(row.diagnosis, row.submission.model_answer)
            Review.objects.bulk_update(rows, ["agreement", "stated_agreement"])
            excuse.delete()


def find_unread(apps, editor):
    """A case is read that its clinician opened after it came to stand as it does."""
    Submission, Event = apps.get_model("classifier", "Submission"), apps.get_model("audit", "AuditEvent")
    after = None
    while True:
        rows = Submission.objects.order_by("pk")
        rows = list(
            (rows.filter(pk__gt=after) if after else rows).only(
                "standing", "standing_at", "standing_person", "responsible", "submitted_by"
            )[:BATCH]
        )
        if not rows:
            break
        after = rows[-1].pk
        opened = {
            (key, actor): at
            for key, actor, at in Event.objects.filter(
                object_type="classifier.submission",
                object_id__in=[str(row.pk) for row in rows],
                action="submission.viewed",
            )
            .order_by()
            .values("object_id", "actor")
            .annotate(last=Max("occurred_at"))
            .values_list("object_id", "actor", "last")
        }
        with transaction.atomic():
            unread = []
            for row in rows:
                awaited_by = row.responsible_id or row.submitted_by_id
                seen = opened.get((str(row.pk), awaited_by))
                # What one signed or recorded oneself is no news.
                is_own = row.standing_person_id == awaited_by
                has_news = row.standing not in ("in_work", "withdrawn", "") and not is_own
                if has_news and (seen is None or seen < row.standing_at):
                    row.news_at, row.is_unread = row.standing_at, True
                    unread.append(row)
            Submission.objects.bulk_update(unread, ["news_at", "is_unread"])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("classifier", "0015_standing"),
        ("audit", "0003_anchors"),
        ("common", "0001_initial"),
    ]

    operations = [
        allow_change("classifier_consent"),
        migrations.RunPython(note_origin_of_consents, migrations.RunPython.noop),
        refuse_change("classifier_consent"),
        migrations.RunPython(acknowledge_what_was_done, migrations.RunPython.noop),
        migrations.RunPython(fill_columns, migrations.RunPython.noop),
        migrations.RunPython(compute_agreement, migrations.RunPython.noop),
        migrations.RunPython(find_unread, migrations.RunPython.noop),
    ]

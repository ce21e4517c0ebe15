from __future__ import annotations

from django.db import models

from classifier.vocabulary import FileStore


class FileRemoval(models.Model):
    """A stored file that has to go: committed with the erasure, worked off after it.

    So a crash between the two loses no deletion, and an erasure taken back removes nothing.
    """

    store = models.CharField(max_length=8, choices=FileStore)
    name = models.CharField(max_length=200)
    # A worker that was at the image may still write this file until its lease ends.
    not_before = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(store__in=FileStore.values) & ~models.Q(name=""),
                name="file_removal_names_a_file",
            ),
        ]

    def __str__(self) -> str:
        return self.name

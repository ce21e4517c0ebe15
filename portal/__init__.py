"""Roof and cellar: settings, addresses and operations of the site above `classifier`; people and trust below it."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]

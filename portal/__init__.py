"""The site: settings, accounts, audit, health and the embedded stack for one machine."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]

"""GPU or CPU: which device a worker uses. Decided by environment variables before Keras loads."""

from __future__ import annotations

import os

from django.conf import settings


def choose_device(index: int) -> None:
    """Show the worker's process number `index` one GPU only, or none with DERMAPORT_GPUS=0.

    With DERMAPORT_GPUS=n the processes of one worker share out n cards: start the worker with
    n processes. The operator's own CUDA_VISIBLE_DEVICES names the cards that may be used.
    """
    if settings.DERMAPORT_DEVICE == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    elif settings.DERMAPORT_GPUS > 1:
        allowed = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        cards = allowed.split(",") if allowed else [str(n) for n in range(settings.DERMAPORT_GPUS)]
        os.environ["CUDA_VISIBLE_DEVICES"] = cards[index % len(cards)].strip()

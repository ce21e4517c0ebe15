"""Graceful stop: the worker's children end after their batch once it was asked to stop.

Celery tells only its main process. The byte lies in memory that main process and children share,
because it is mapped when Celery imports this module, before the first fork.
"""

from __future__ import annotations

import mmap

_flag = mmap.mmap(-1, 1)


def ask_to_stop() -> None:
    _flag[0] = 1


def is_stopping() -> bool:
    return bool(_flag[0])

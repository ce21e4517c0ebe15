"""Device selection: where a network runs, named and set up before its first use."""

import os
import platform
from functools import cache
from pathlib import Path


def find_backend() -> str:
    """Return the name of the library that Keras computes with: tensorflow, jax or torch."""
    import keras

    name: str = keras.backend.backend()
    return name


@cache
def configure_devices() -> str:
    """Prepare Keras's devices once in this process and return the name of the one used.

    On a GPU under TensorFlow memory grows on demand, so that one worker does not take the whole
    card. Returns "GPU:0 NVIDIA H100 …" or "CPU: AMD EPYC …". Call it after the fork and before
    building a network: TensorFlow refuses to change a device already in use (RuntimeError).
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    finders = {"tensorflow": _find_tensorflow, "torch": _find_torch, "jax": _find_jax}
    finder = finders.get(find_backend())
    return (finder() if finder else None) or f"CPU: {read_processor()}"


def read_processor() -> str:
    """Return the processor's model name, or its architecture where none is told."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"


def _find_tensorflow() -> str | None:
    import tensorflow as tf

    cards = tf.config.list_physical_devices("GPU")
    for card in cards:
        tf.config.experimental.set_memory_growth(card, True)
    if not cards:
        return None
    details = tf.config.experimental.get_device_details(cards[0])
    return f"GPU:0 {details.get('device_name', 'unknown')}"


def _find_torch() -> str | None:
    import torch

    return f"GPU:0 {torch.cuda.get_device_name(0)}" if torch.cuda.is_available() else None


def _find_jax() -> str | None:
    import jax

    device = jax.devices()[0]
    return None if device.platform == "cpu" else f"GPU:0 {device.device_kind}"

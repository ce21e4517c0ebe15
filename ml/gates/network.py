"""Feature extractor of the domain gate, run by OpenVINO in worker and web alike.

It needs neither Keras nor TensorFlow, and one thread of the processor: a picture takes milliseconds.
"""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ml.gates.quality import WORKING_SIZE

if TYPE_CHECKING:
    from pathlib import Path

    import keras

# Single precision on every processor: newer ones would take bfloat16 by themselves, and a picture
# near a limit would pass on one machine and be refused on another.
_OPTIONS: Final = {
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "INFERENCE_PRECISION_HINT": "f32",
    "ENABLE_CPU_PINNING": False,
}


class FeatureNetwork:
    """The network, ready in one process; any thread of it may ask. Build it after the fork."""

    def __init__(self, graph: bytes, weights: bytes) -> None:
        """Compile OpenVINO's description `graph` (XML) with its `weights`; both are already checked."""
        import openvino

        core = openvino.Core()
        model = core.read_model(graph, openvino.Tensor(np.frombuffer(weights, dtype=np.uint8)))
        model.reshape([1, *WORKING_SIZE, 3])
        self._compiled: Any = core.compile_model(model, "CPU", _OPTIONS)
        self.size = int(self._compiled.output(0).shape[-1])
        # A compiled model keeps one request; two threads would write into each other's picture.
        self._lock = threading.Lock()

    def extract(self, pixels: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the features, float32 (n, d), of images uint8 (224, 224, 3); any n, also 0.

        One image at a time, so that none depends on what it came with.
        """
        features = np.empty((len(pixels), self.size), dtype=np.float32)
        with self._lock:
            for place, image in enumerate(pixels):
                features[place] = self._compiled(image[None].astype(np.float32))[0][0]
        return features


def convert_network(network: "keras.Model", folder: "Path") -> tuple[bytes, bytes]:
    """Return a Keras network in OpenVINO's form, description and weights, working below `folder`.

    TensorFlow writes its own form first; OpenVINO's reader of that is called by itself, since the
    command-line converter reports its use to its makers.
    """
    import openvino
    from openvino.frontend import FrontEndManager

    saved = folder / "saved"
    network.export(str(saved), format="tf_saved_model", verbose=False)
    frontend = FrontEndManager().load_by_framework("tf")
    model = frontend.convert(frontend.load(str(saved)))
    model.reshape([-1, *WORKING_SIZE, 3])
    path = folder / "gates.xml"
    openvino.save_model(model, path, compress_to_fp16=False)
    return path.read_bytes(), path.with_suffix(".bin").read_bytes()

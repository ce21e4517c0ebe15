"""Computation graph of a network: its architecture as a list of steps, read from JSON, nothing built."""

from dataclasses import dataclass, field
from typing import Any

from ml.network_files.config_scan import MODELS
from ml.network_files.errors import UnsafeModelError


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One call of a layer: `sources` are numbers of earlier values, value 0 being the input.

    `layer`: the place of its weights in `NetworkPlan.layers`.
    """

    kind: str
    name: str
    config: dict[str, Any]
    sources: tuple[int, ...]
    layer: int


@dataclass(slots=True)
class Layer:
    """A layer, or a model nested in another, in the order in which its weights are stored."""

    kind: str
    name: str
    config: Any
    number: int = -1
    parts: "list[Layer]" = field(default_factory=list)


@dataclass(slots=True)
class NetworkPlan:
    """Steps in an order that can be computed; the result is value `output`, step i makes i + 1.

    `input_shape`: (height, width, channels), None where the file leaves it open.
    """

    steps: list[PlanStep]
    layers: list[Layer]
    output: int
    input_shape: tuple[int | None, ...]


def plan_network(config: dict[str, Any]) -> NetworkPlan:
    """Return the plan of a scanned architecture with one input and one output.

    Nested models become part of one list. Raises UnsafeModelError `graph_not_supported` for
    several inputs or outputs, loops, and calls with anything but tensors and `training`.
    """
    reader = _PlanReader()
    try:
        top = Layer(config["class_name"], "", config["config"])
        output = reader.add_model(top, 0)
        shape = tuple(find_input_shape(config))
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise UnsafeModelError(
            "graph_not_supported", f"Expected a readable architecture, received one without {error}."
        ) from error
    return NetworkPlan(reader.steps, top.parts, output, shape)


def find_input_shape(config: dict[str, Any]) -> list[int | None]:
    """Return the input's shape without the batch, from the first layer that states it."""
    waiting = [config]
    while waiting:
        entry = waiting.pop()
        inner = entry["config"]
        layers = inner if isinstance(inner, list) else inner.get("layers", [])
        if entry["class_name"] in MODELS:
            if isinstance(inner, dict) and inner.get("input_layers") and entry["class_name"] != "Sequential":
                name = _read_references(inner["input_layers"])[0][0]
                layers = [one for one in layers if one["config"].get("name", one.get("name")) == name]
            waiting.extend(layers[:1])
            if layers or not isinstance(inner, dict) or not inner.get("build_input_shape"):
                continue
        for key in ("batch_input_shape", "batch_shape", "build_input_shape"):
            if inner.get(key):
                return list(inner[key][1:])
    raise KeyError("its input shape")


class _PlanReader:
    def __init__(self) -> None:
        self.steps: list[PlanStep] = []
        self.count = 0

    def add_model(self, model: Layer, source: int) -> int:
        inner: Any = model.config
        entries = inner if isinstance(inner, list) else inner["layers"]
        if model.kind == "Sequential":
            for entry in entries:
                layer = self._open(model, entry)
                source = self._call(layer, (source,))
            return source
        return self._add_graph(model, inner, entries, source)

    def _open(self, model: Layer, entry: dict[str, Any]) -> Layer:
        layer = Layer(entry["class_name"], _name_of(entry), entry["config"])
        if layer.kind not in MODELS:
            layer.number = self.count
            self.count += 1
        model.parts.append(layer)
        return layer

    def _call(self, layer: Layer, sources: tuple[int, ...]) -> int:
        if layer.kind == "InputLayer":
            return sources[0]
        if layer.kind in MODELS:
            if len(sources) != 1 or layer.parts:
                raise _refuse(f"the model {layer.name!r:.60} with one input and called once")
            return self.add_model(layer, sources[0])
        self.steps.append(PlanStep(layer.kind, layer.name, layer.config, sources, layer.number))
        return len(self.steps)

    def _add_graph(
        self, model: Layer, inner: dict[str, Any], entries: list[dict[str, Any]], source: int
    ) -> int:
        layers = {_name_of(entry): self._open(model, entry) for entry in entries}
        inputs, outputs = (_read_references(inner[key]) for key in ("input_layers", "output_layers"))
        if len(inputs) != 1 or len(outputs) != 1 or len(layers) != len(entries):
            raise _refuse("one input, one output and names used once")
        values: dict[str, list[int]] = {inputs[0][0]: [source]}
        waiting = [(_name_of(entry), node) for entry in entries for node in entry.get("inbound_nodes", [])]
        while waiting:
            left = []
            for name, node in waiting:
                sources = [self._find(layers, values, *one) for one in _read_node(node)]
                if None in sources or not sources:
                    left.append((name, node))
                else:
                    made = self._call(layers[name], tuple(one for one in sources if one is not None))
                    values.setdefault(name, []).append(made)
            if len(left) == len(waiting):
                raise _refuse("no loop and no input from nowhere")
            waiting = left
        found = self._find(layers, values, *outputs[0])
        if found is None:
            raise _refuse("an output that is computed")
        return found

    @staticmethod
    def _find(
        layers: dict[str, Layer], values: dict[str, list[int]], name: str, call: int, tensor: int
    ) -> int | None:
        if tensor != 0:
            raise _refuse("layers with one output")
        made = values.get(name, [])
        if layers[name].kind in MODELS:  # numbered from 1 where the model's own graph is call 0
            return made[0] if made else None
        return made[call] if 0 <= call < len(made) else None


def _name_of(entry: dict[str, Any]) -> str:
    inner = entry["config"]
    name = entry.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
    return str(name)


def _read_references(value: Any) -> list[list[Any]]:
    """Return [[layer, call, tensor], …] of one reference or a list of them."""
    return [value] if isinstance(value[0], str) else list(value)


def _read_node(node: Any) -> list[list[Any]]:
    """Return the references of one call, in the form of Keras 2 or of Keras 3."""
    if isinstance(node, list):
        entries = [node] if isinstance(node[0], str) else node
        for entry in entries:
            if len(entry) > 3 and set(entry[3]) - {"training"}:
                raise _refuse("calls with tensors only")
        return [entry[:3] for entry in entries]
    if set(node.get("kwargs", {})) - {"training", "mask"}:
        raise _refuse("calls with tensors only")
    found: list[list[Any]] = []
    waiting = list(node["args"])
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, list):
            waiting = [*value, *waiting]
        elif isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            found.append(value["config"]["keras_history"])
        else:
            raise _refuse("calls with tensors only")
    return found


def _refuse(expected: str) -> UnsafeModelError:
    return UnsafeModelError("graph_not_supported", f"Expected {expected}, received another architecture.")

import hashlib

import numpy as np
import pytest

from ml.explanation.hirescam import (
    EvidenceMap,
    ExplanationError,
    average_explanations,
    differentiate,
    explain_images,
)
from ml.imaging.views import VIEWS, change_view
from tests.ml.explanation.explained import KINDS, SIDE, build_flattened, build_pooled, draw_inputs, fill


def digest(network):
    return hashlib.sha256(b"".join(weight.tobytes() for weight in network.get_weights())).hexdigest()


def walk_layers(network):
    for layer in network.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from walk_layers(layer)


def log_odds(probabilities, malignant):
    chosen = probabilities[:, list(malignant)].sum(axis=1)
    return np.log(chosen / (1 - chosen))


def test_gradient_of_a_known_function():
    values = np.array([[1.0, -2.0], [3.0, 0.5]], dtype=np.float32)
    np.testing.assert_allclose(differentiate(lambda x: x * x * x, values), 3 * values**2, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_times_activation_at_the_last_map(kind):
    """Against finite differences of the network's own answer, at a few places."""
    from ml.explanation.hirescam import find_feature_map, take_logit
    from ml.explanation.passes import ends_in_probabilities, record_pass, resume_pass

    network, inputs = KINDS[kind](), draw_inputs(1)
    malignant = (0,) if network.output_shape[-1] < 3 else (1, 4)
    steps = record_pass(network, inputs)
    place = find_feature_map(steps)
    assert steps[place].operation.name == "last"
    features = np.array(steps[place].output, dtype=np.float32)
    cells = explain_images(network, inputs, malignant=malignant)[0].cells
    assert (cells.shape, cells.dtype) == (features.shape[1:3], np.float32)
    loud = ends_in_probabilities(steps)

    def answer(changed):
        return float(
            take_logit(resume_pass(network, inputs, steps, place, changed), malignant, are_logits=loud)[0]
        )

    for row, column in [(0, 0), (2, 3), (4, 1)]:
        slope = []
        for channel in range(features.shape[-1]):
            up, down = features.copy(), features.copy()
            up[0, row, column, channel] += 0.01
            down[0, row, column, channel] -= 0.01
            slope.append((answer(up) - answer(down)) / 0.02)
        expected = float(np.dot(slope, features[0, row, column]))
        assert cells[row, column] == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(("kind", "malignant"), [("boxed", (1,)), ("boxed", (0,)), ("seven classes", (1, 4))])
def test_logit_of_many_classes_is_the_log_odds_of_the_declared_ones(kind, malignant):
    network, inputs = KINDS[kind](), draw_inputs()
    expected = log_odds(np.asarray(network.predict_on_batch(inputs)), malignant)
    found = [one.logit for one in explain_images(network, inputs, malignant=malignant)]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["pooled", "flattened", "nested"])
def test_logit_is_the_networks_own(kind):
    network, inputs = KINDS[kind](), draw_inputs()
    found = np.array([one.logit for one in explain_images(network, inputs)])
    np.testing.assert_allclose(
        1 / (1 + np.exp(-found)), network.predict_on_batch(inputs)[:, 0], atol=1e-5, rtol=1e-4
    )


def test_a_network_of_logits_is_explained_as_the_same_with_its_sigmoid():
    """Its outputs are no probabilities, though no activation says so."""
    inputs = draw_inputs()
    logits, sigmoid = build_pooled(activation=None), build_pooled()
    found = explain_images(logits, inputs, gives_logits=True)
    for one, same in zip(found, explain_images(sigmoid, inputs), strict=True):
        assert one.logit == pytest.approx(same.logit, abs=1e-4)
        np.testing.assert_allclose(one.cells, same.cells, atol=1e-4)


def test_pooled_maps_add_up_to_the_logit():
    """For a pooled network the map is CAM: weight times activation, and nothing is left over."""
    network, inputs = build_pooled(), draw_inputs()
    bias = network.layers[-1].get_weights()[1][0]
    for one in explain_images(network, inputs):
        assert float(one.cells.sum()) == pytest.approx(one.logit - bias, abs=1e-4)


def test_flattened_network_is_explained_place_by_place():
    """Only the first row of places has weights: Grad-CAM's averaged gradient would mark them all."""
    from keras import Input, Sequential, layers

    network = Sequential([Input((SIDE, SIDE, 3)), layers.Conv2D(2, 1, activation="relu"), layers.Flatten()])
    network.add(layers.Dense(1, activation="sigmoid"))
    fill(network)
    kernel, bias = network.layers[-1].get_weights()
    used = np.zeros((SIDE, SIDE, 2), dtype=np.float32)
    used[0] = 1.0
    network.layers[-1].set_weights([used.reshape(kernel.shape), bias])
    network.layers[0].set_weights([np.ones((1, 1, 3, 2), np.float32), np.zeros(2, np.float32)])
    (one,) = explain_images(network, draw_inputs(1))
    assert (one.cells[0] > 0).all()
    assert not one.cells[1:].any()
    assert one.malignant[0].max() == 1.0
    assert not one.benign.any()


def test_saturated_sigmoid_still_has_a_map():
    network, inputs = build_flattened(), draw_inputs(1)
    kernel, bias = network.layers[-2].get_weights()
    network.layers[-2].set_weights([kernel * 0 + 1000, bias + 1000])
    assert network.predict_on_batch(inputs)[0, 0] == 1.0
    (one,) = explain_images(network, inputs)
    assert one.logit > 1000
    assert np.abs(one.cells).max() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_is_left_as_it_was(kind):
    network, inputs = KINDS[kind](), draw_inputs()

    def look():
        flags = [(layer.name, layer.trainable, len(layer._inbound_nodes)) for layer in walk_layers(network)]
        return digest(network), flags, network.trainable, network.predict_on_batch(inputs).tobytes()

    before = look()
    explain_images(network, inputs)
    assert look() == before


@pytest.mark.parametrize("kind", KINDS)
def test_alone_equals_together(kind):
    network, inputs = KINDS[kind](), draw_inputs()
    together = explain_images(network, inputs)
    for number, one in enumerate(together):
        (alone,) = explain_images(network, inputs[number : number + 1])
        np.testing.assert_allclose(one.cells, alone.cells, atol=1e-4)


def test_network_without_a_map_is_refused():
    from keras import Input, Sequential, layers

    network = Sequential([Input((SIDE, SIDE, 3)), layers.Rescaling(1.0), layers.Flatten(), layers.Dense(1)])
    with pytest.raises(ExplanationError, match="Expected a convolutional feature map"):
        explain_images(network, draw_inputs(1))


@pytest.mark.parametrize("view", VIEWS)
def test_maps_of_views_are_turned_back(view):
    """A network without an upright (one-pixel filters, pooled) gives the same map in every view."""
    from keras import Input, Sequential, layers

    network = fill(
        Sequential(
            [
                Input((SIDE, SIDE, 3)),
                layers.Conv2D(4, 1, activation="relu"),
                layers.GlobalAveragePooling2D(),
                layers.Dense(1, activation="sigmoid"),
            ]
        )
    )
    inputs = draw_inputs(1)
    (upright,) = explain_images(network, inputs)
    (turned,) = explain_images(network, change_view(inputs, view))
    back = average_explanations([turned], [view])
    np.testing.assert_allclose(back.cells, upright.cells, atol=1e-6)
    both = average_explanations([upright, turned], ["identity", view])
    np.testing.assert_allclose(both.cells, upright.cells, atol=1e-6)
    assert both.logit == pytest.approx(upright.logit, abs=1e-5)


class TestDrawing:
    def explain(self, cells):
        return EvidenceMap(np.array(cells, dtype=np.float32), 1.0, "last", (8, 12))

    def test_both_signs_share_one_scale(self):
        one = self.explain([[4.0, -2.0], [0.0, 0.0]])
        assert (one.malignant.shape, one.malignant.dtype) == ((8, 12), np.float32)
        assert one.malignant.max() == 1.0
        assert one.benign.max() == pytest.approx(0.5)
        assert one.malignant[0, 0] == 1.0
        assert one.benign[0, -1] == pytest.approx(0.5)
        assert not np.any((one.malignant > 0) & (one.benign > 0))

    def test_flat_map_is_zero(self):
        one = self.explain([[0.0, 0.0], [0.0, 0.0]])
        assert not one.malignant.any()
        assert not one.benign.any()

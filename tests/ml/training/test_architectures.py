import pytest

from ml.training.architectures import (
    ARCHITECTURES,
    ArchitectureError,
    build_paper_cnn_1,
    build_paper_cnn_2,
    find_architecture,
)


def test_paper_cnn_1_has_the_papers_parameter_count():
    network = build_paper_cnn_1()
    assert network.count_params() == 6_427_745
    assert network.count_params() - network.get_layer("dense_1").kernel.shape[0] * 64 == 5_217
    assert network.input_shape == (None, 224, 224, 3)
    assert network.output_shape == (None, 1)


def test_paper_cnn_1_is_two_padded_convolutions_and_two_dense_layers():
    layers = [type(layer).__name__ for layer in build_paper_cnn_1(32).layers]
    assert layers == ["Conv2D", "MaxPooling2D"] * 2 + ["Flatten", "Dense", "Dense"]
    assert build_paper_cnn_1(32).get_layer("conv_1").padding == "same"


def test_paper_cnn_2_has_the_papers_parameter_count():
    network = build_paper_cnn_2()
    assert network.count_params() == 2_797_665
    assert network.input_shape == (None, 224, 224, 3)
    assert network.output_shape == (None, 1)


def test_every_registered_architecture_builds_what_it_declares():
    for name, architecture in ARCHITECTURES.items():
        assert architecture.name == name
        network = architecture.build(architecture.input_size)
        assert network.count_params() == architecture.parameters


@pytest.mark.parametrize("size", [4, 32, 65])
def test_paper_cnn_1_at_another_size_still_ends_in_one_sigmoid(size):
    assert build_paper_cnn_1(size).output_shape == (None, 1)


@pytest.mark.parametrize("size", [22, 32, 65])
def test_paper_cnn_2_at_another_size_still_ends_in_one_sigmoid(size):
    assert build_paper_cnn_2(size).output_shape == (None, 1)


def test_an_input_too_small_for_three_convolutions_is_refused():
    with pytest.raises(ArchitectureError, match="at least 22 pixels, received 21"):
        build_paper_cnn_2(21)


def test_an_input_too_small_for_two_poolings_is_refused():
    with pytest.raises(ArchitectureError, match="at least 4 pixels, received 3"):
        build_paper_cnn_1(3)


def test_a_wrong_parameter_count_is_refused(monkeypatch):
    monkeypatch.setattr("ml.training.architectures.PAPER_CNN_2_PARAMETERS", 1)
    with pytest.raises(ArchitectureError, match="expected 1 parameters, received 2,797,665"):
        build_paper_cnn_2()


def test_an_unknown_architecture_names_the_known_ones():
    with pytest.raises(ArchitectureError, match=r"paper-cnn-2.*received 'resnet'"):
        find_architecture("resnet")

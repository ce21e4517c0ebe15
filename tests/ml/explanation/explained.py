"""Networks of a few layers, of every kind that is explained: pooled, flattened, nested, many classes."""

import numpy as np

SIDE = 16


def draw_inputs(count=3, seed=0):
    return np.random.Generator(np.random.PCG64(seed)).random((count, SIDE, SIDE, 3), dtype=np.float32)


def fill(network, seed=0):
    """Weights of the same numbers on every backend; a variance stays above zero."""
    chance = np.random.Generator(np.random.PCG64(seed))
    network.set_weights([0.1 + 0.3 * np.abs(chance.normal(size=w.shape)) for w in network.get_weights()])
    kernels = [v for v in network.trainable_variables if "kernel" in v.path]
    for variable in kernels:
        variable.assign(0.5 * chance.normal(size=variable.shape))
    return network


def build_pooled(outputs=1, activation="sigmoid"):
    from keras import Input, Model, layers

    image = Input((SIDE, SIDE, 3))
    inner = layers.Conv2D(4, 3, activation="relu")(image)
    inner = layers.Conv2D(6, 3, strides=2, activation="relu", name="last")(inner)
    inner = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(inner))
    return fill(Model(image, layers.Dense(outputs, activation=activation)(inner)))


def build_flattened():
    from keras import Input, Sequential, layers

    network = Sequential([Input((SIDE, SIDE, 3)), layers.Conv2D(4, 3, activation="relu")])
    for layer in (
        layers.MaxPooling2D(2, name="last"),
        layers.Flatten(),
        layers.Dense(8, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(1),
        layers.Activation("sigmoid"),
    ):
        network.add(layer)
    return fill(network)


def build_backbone():
    """A residual block with batch normalisation and a squeeze of one place, as backbones have."""
    from keras import Input, Model, layers

    image = Input((SIDE, SIDE, 3))
    start = layers.Conv2D(4, 3, padding="same", use_bias=False)(image)
    inner = layers.ReLU()(layers.BatchNormalization()(start))
    squeezed = layers.GlobalAveragePooling2D(keepdims=True)(inner)
    inner = layers.Multiply()([inner, layers.Conv2D(4, 1, activation="sigmoid")(squeezed)])
    return Model(image, layers.Add(name="last")([start, inner]))


def build_nested():
    from keras import Input, Model, layers

    image = Input((SIDE, SIDE, 3))
    inner = build_backbone()(layers.Rescaling(2.0)(image), training=False)
    inner = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(inner))
    return fill(Model(image, layers.Dense(1, activation="sigmoid")(inner)))


def build_boxed():
    """Networks in networks, as teaching tools export them."""
    from keras import Input, Model, Sequential, layers

    image = Input((SIDE, SIDE, 3))
    backbone = build_backbone()
    pooled = Model(image, layers.GlobalAveragePooling2D()(backbone(image)))
    head = Sequential(
        [Input((4,)), layers.Dense(5, activation="relu"), layers.Dense(2, activation="softmax")]
    )
    return fill(Sequential([Input((SIDE, SIDE, 3)), pooled, head]))


KINDS = {
    "pooled": build_pooled,
    "flattened": build_flattened,
    "nested": build_nested,
    "boxed": build_boxed,
    "seven classes": lambda: build_pooled(7, "softmax"),
    "hard sigmoid": lambda: build_pooled(1, "hard_sigmoid"),
}

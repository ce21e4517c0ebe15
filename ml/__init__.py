"""The science of Dermaport: networks, their data, training, evaluation and prediction.

This package knows nothing of Django. Importing it, or `ml.serving.specification`, `ml.serving.calibration`,
`ml.serving.policy`, `ml.evaluation.metrics` and `ml.imaging.decoding`, loads neither Keras nor TensorFlow, so the web
process may read a model's specification without paying for the model.
"""

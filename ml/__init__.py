"""The science of Dermaport: networks, their data, training, evaluation and prediction.

This package knows nothing of Django. Importing it, or `ml.specification`, `ml.calibration`,
`ml.policy`, `ml.metrics` and `ml.images`, loads neither Keras nor TensorFlow, so the web
process may read a model's specification without paying for the model.
"""

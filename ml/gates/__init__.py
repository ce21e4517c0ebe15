"""Quality and domain gate: may this picture be judged at all? Decided before any network runs.

The serving side alone: fitting is in `ml.training.gate_fitting`, measuring in `ml.evaluation.gates`.
Used by `ml.serving`, in the web process and the worker.
"""

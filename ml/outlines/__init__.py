"""Lesion outlines: which pixels are the lesion, and what can be measured of it. Never part of the verdict.

`shape` makes one region and its polygon of a network's answer, `measures` computes size, asymmetry, border and
colours, `outliner` runs a registered network. Trained by `ml.training.outlines`, measured by `ml.evaluation.outlines`.
"""

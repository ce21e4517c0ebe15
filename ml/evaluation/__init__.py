"""Evaluation: metrics with intervals, and networks and gates measured on labelled image sets.

Used by training, research and the commands. What is measured is kept as files in `ml/results`.
"""

"""Explanation of one figure: HiResCAM maps, whether they can be believed, and how they are drawn.

Used by `ml.serving`; called only after a network is loaded.
"""

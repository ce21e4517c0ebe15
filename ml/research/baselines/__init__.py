"""Baselines: the earlier systems of the paper's literature, built and measured on the same images and folds."""

"""Training: architectures, augmentation, plans, the training loop, calibration fitting and release.

Called by the commands and by research; nothing that serves patients imports it.
"""

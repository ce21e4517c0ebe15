"""Image sets: which pictures are in them, what each shows, which belong together, and how they are split.

Used by training, evaluation and research; nothing that serves patients reads a data set.
"""

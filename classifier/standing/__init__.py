"""Standing: what a case, a lesion or a patient is held for, and from whom that is hidden. Whoever changes a case calls it."""

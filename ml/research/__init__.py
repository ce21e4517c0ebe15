"""Research: the written report, the model cards and the reproduction of the paper, from stored results."""

"""The report and the model cards, written from stored results alone: no image, no network."""

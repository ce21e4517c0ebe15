"""Report and model cards: `ml/REPORT.md`, its plots and the README's figures, from stored results alone."""

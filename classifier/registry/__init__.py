"""The model registry: versions, their files, and trials beside the served one. For operators and administrators."""

"""Settings: one module a subject, gathered by `base`; `development`, `production` and `test` are what a process loads."""

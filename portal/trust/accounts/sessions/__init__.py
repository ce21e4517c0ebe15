"""Sessions: where a person is logged in, how long, and how each is ended."""

"""Operations, above `classifier`: health of the running site, and the stack that `make run` starts."""

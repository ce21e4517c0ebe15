"""Operations, the upper floor: health of the running site, and the stack that `make run` starts."""

"""Network files: anybody's `.h5` file is scanned, converted from Keras 2 and loaded, executing nothing of it.

`loading` is the only way to a network; `scan` decides what may be loaded, `conversion` rewrites an old
file in a process that is thrown away. Used by `ml.serving`, training and the commands.
"""

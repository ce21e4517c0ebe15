"""A case on paper: its content in words and numbers, and the PDF that is drawn from it.

`building` reads the case through the same functions as its page, so that both say the same; the
drawing (`parts` on a `sheet`) knows only `content` and touches no database.
"""

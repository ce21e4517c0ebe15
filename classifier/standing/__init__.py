"""Standing: what a case, a lesion or a patient is held for, and from whom that is hidden. Whoever changes a case calls it.

`standing` is the rule, over the review in force (`reviews`) and the model's answer (`summary`); `columns`
writes and checks what it says, behind the `locks`; `queries` order and filter lists by these columns; `hiding`
says who may not know them yet.
"""

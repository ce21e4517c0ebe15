"""Error of a network file that must not be loaded."""


class UnsafeModelError(ValueError):
    """A file was refused before, or while, a network was built from it.

    `code` is stable and short (`sha256_mismatch`, `not_hdf5`, `layer_not_allowed`, …);
    `message` is a sentence for the person who registered the file.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

"""What can go wrong in a computation, in sentences a person can act on."""


class EngineError(Exception):
    """Wrong input or state: what is wrong, and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

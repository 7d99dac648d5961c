"""Errors that the controller rebuilds by their class names."""


class WorkerError(Exception):
    """One line: what, where, expected, got, what to do."""

    def __init__(self, what: str, *, where: str = "", expected: str = "", got: str = "", hint: str = "") -> None:
        named = [f"{name} {part}" for name, part in (("expected", expected), ("got", got)) if part]
        parts = [f"{what}: {where}" if where else what, *named, *([hint] if hint else [])]
        super().__init__("; ".join(parts).replace("\n", " "))


class EngineError(WorkerError):
    """The engine could not do what it was asked."""


class StalePassError(EngineError):
    """A pass whose weights have been updated since."""


class WeightsError(WorkerError):
    """Weights that are missing, unexpected or mis-shaped."""


class DataFormatError(WorkerError):
    """A file or message whose content is not of its format."""


class CancelledError(WorkerError):
    """A call that its caller no longer waits for."""

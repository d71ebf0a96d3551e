"""A Context for operations that are called directly: it remembers what they said of themselves."""

from nowlater import Canceled, Context


class Run(Context):
    """One run; unlike the real Context, it hears all progress, and can cancel at the nth."""

    def __init__(self, attempt: int = 1, cancel_at: int | None = None) -> None:
        super().__init__(attempt=attempt, deadline=2**53, idempotency_key="a key")
        self.said: list[tuple[float | None, str]] = []
        self._cancel_at = cancel_at

    def progress(self, fraction: float | None = None, message: str = "") -> None:
        super().progress(fraction, message)  # which refuses an impossible fraction
        self.said.append((fraction, message))
        if len(self.said) == self._cancel_at:
            raise Canceled

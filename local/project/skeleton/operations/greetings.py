"""A first operation: change it, or write others beside it."""

from nowlater import Context, operation


@operation(timeout=10)
def greet(name: str, times: int = 1, *, context: Context) -> list[str]:
    """Greet a person."""
    greetings = []
    for done in range(times):
        context.progress(done / times, f"{done} of {times} greetings")
        greetings.append(f"Hello, {name}!")
    return greetings

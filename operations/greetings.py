from nowlater import operation


@operation(timeout=10)
def greet(name: str, times: int = 1) -> list[str]:
    """Greet a person."""
    return [f"Hello, {name}!"] * times

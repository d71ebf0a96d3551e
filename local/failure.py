"""The exception that ends a command with a message instead of a traceback."""


class Failure(Exception):
    """A problem that the user of a command can solve; the message says how."""

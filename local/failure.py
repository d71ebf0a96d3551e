"""What ends a command with a sentence instead of a traceback."""


class Failure(Exception):
    """Something that its user can mend; the message says how."""

"""The size of the results that a response can have."""

#: In bytes: Lambda responds with at most 6 MB, and base64 adds a third.
MAX_DIRECT_RESULT = 4 * 1024 * 1024

"""A long run of mixed traffic on the local stack: `python -m tests.soak` checks what it leaves behind."""

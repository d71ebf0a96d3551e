"""An exhaustive model of one job's life: every interleaving of the real code's calls to AWS.

The programs are the code's own (`submit`, `hybrid`, `batch`, `direct`, `sweep`, `exhaust`, `cancel`,
`erase`). Each is run until it calls AWS, the call is one step, and what comes of it is remembered:
so all orders of all steps can be gone through, breadth first, with crashes, lost replies,
duplicates and time between any two of them. Whether a write is allowed is `protocol.may`'s to say.

`python -m tests.faults.model` searches; see `scenarios.py` for what, `promises.py` for which laws.
"""

"""The job: its record, the rules by which it is written, and what is shown of it."""

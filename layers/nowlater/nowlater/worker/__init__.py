"""The work behind the queues and the schedule: attempts, the sweep, dead letters."""

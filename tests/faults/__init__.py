"""What happens to jobs when things go wrong: one job in a model, whole runs on a virtual AWS."""

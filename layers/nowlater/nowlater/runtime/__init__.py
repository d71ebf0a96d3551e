"""What an operation is, and how one is run; knows nothing of jobs."""

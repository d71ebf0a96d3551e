"""What `make up` and `make key` run. The bridges to the emulator are here, and nowhere else."""

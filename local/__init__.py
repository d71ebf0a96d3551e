"""The command-line tools behind `make`. Only here is code that adapts a stack to the emulator."""

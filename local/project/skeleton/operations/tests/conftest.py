"""The fixtures of all tests: `served` is the whole API on this machine."""

pytest_plugins = ["nowlater.testing"]

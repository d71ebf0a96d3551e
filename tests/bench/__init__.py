"""Measurements that depend on the machine's speed: `make bench` prints them with their budgets."""

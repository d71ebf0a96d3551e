"""`make verify`: checks a deployed stack from outside, as a caller, and reports what holds."""

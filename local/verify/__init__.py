"""`make verify`: looks at a deployed stack from outside, as a caller does, and tells what holds."""

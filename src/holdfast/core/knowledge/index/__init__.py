"""The index itself: its database, its vectors, and all that is done to them. Runs in the worker."""

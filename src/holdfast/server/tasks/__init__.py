"""Runs as tasks of who works with agents from outside: what one has come to, what waits for a person, and how
the next message answers that.

A library below the servers of protocols. Only `following.py` and `desk.py` ask services; the rest is pure.
"""

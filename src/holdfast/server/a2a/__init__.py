"""Agents for the clients of A2A, under `/a2a`, through the protocol's own SDK.

All of it works on the `Workbench` protocol alone. Only `http.py` and `push_format.py` may be imported by what
starts quickly: everything else here imports the SDK.
"""

"""Agents as tools of an MCP server, over stdin and stdout (`stdio.py`) or under `/mcp` (`http.py`).

`server.py` is the server; each call of a tool is a `Call`, which follows a run. All of it works on the
`Workbench` protocol alone. Only `http.py` may be imported by what starts quickly: everything else here
imports the `mcp` library.
"""

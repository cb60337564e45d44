"""Tools of MCP servers. The `mcp` library is imported in `session.py` and the transports alone, which are
loaded when a server is first started."""

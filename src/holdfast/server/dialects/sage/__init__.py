"""Sage's API: accounts, agents, streams that go on, knowledge bases, tools, providers."""

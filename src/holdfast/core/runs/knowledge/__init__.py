"""Knowledge in runs: what an agent may search, what it is shown before its first step, and its citations."""

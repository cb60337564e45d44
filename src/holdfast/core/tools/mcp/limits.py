"""What a server may do at most. It is a stranger's program: each of these holds whatever it sends."""

from __future__ import annotations

MAX_MESSAGE_BYTES = 8 * 2**20
"""One message; with it goes the largest result."""
MAX_MESSAGES = 5_000
"""Messages within `FLOOD_S`; more are a flood, and the server is stopped."""
MAX_FLOOD_BYTES = 64 * 2**20
"""Bytes within `FLOOD_S`, as `MAX_MESSAGES`."""
FLOOD_S = 10.0

MAX_TOOLS = 200
MAX_PAGES = 50
"""Pages of one listing of tools."""
MAX_LISTING_CHARS = 2_000_000
"""Descriptions and schemas of all tools."""
MAX_DESCRIPTION = 4_000
"""Characters of a tool's description that models are shown."""
MAX_SCHEMA_CHARS = 50_000
MAX_NAME = 200
"""Characters of a tool's own name."""
MAX_LEFT_OUT = 50
"""Tools left out that are told of."""

MAX_OPEN_REQUESTS = 16
"""Requests of a server that wait for an answer at once; more are a flood."""
MAX_REQUEST_BYTES = 2**20
"""One request of a server."""
MAX_ASKED = 20
"""Requests of a server in one call."""
MAX_ROUNDS = 10
"""How often one call may come back with requests instead of a result."""
MAX_QUESTION = 4_000
"""Characters of what a server tells a person that it asks."""
MAX_SAMPLE_CHARS = 200_000
"""Characters of all messages that a server wants completed."""
MAX_SAMPLE_MESSAGES = 100
MAX_SAMPLE_TOKENS = 32_000
MAX_FORM_CHARS = 50_000
MAX_URL = 2_000

MAX_PROMPTS = 100
MAX_RESOURCES = 1_000
MAX_MEDIA_TYPE = 100
OFFER_S = 5.0
"""Seconds in which a server that starts tells its prompts and resources; its tools do without."""

MAX_PARTS = 100
"""Parts of one result."""
MAX_RESULT_CHARS = 2_000_000
MAX_IMAGES = 10
MAX_IMAGE_BYTES = 5 * 2**20

MAX_REASON = 500
"""Characters of what a server says of its errors."""
MAX_PROGRESS = 1_000
"""Reports of progress of one call that are passed on."""
MAX_LOG_BYTES = 512 * 1024
"""Of one log file; there are two for each server."""

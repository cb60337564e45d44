"""The styles of the transcript, by role. Colours are theme variables only; no meaning is in colour alone."""

from __future__ import annotations

MUTED = "$foreground 62%"
BAR = "$foreground 25%"
"""The line beside code, tool output and quotes."""

YOU = "bold $text-primary"
YOU_BAR = "$primary"
AGENT = "bold $text-accent"
AGENT_BAR = "$accent"
CURSOR = "bold $warning"

HEADINGS = ("bold underline $text-primary", "bold $text-primary", "bold $text-secondary", "bold")
INLINE_CODE = "$text-warning on $boost"
LINK = "underline $text-primary"
CITATION = "bold $text-accent"
CODE_FILL = "on $boost"
LIST_MARK = "$text-secondary"
TABLE_HEAD = "bold"

TOOL_NAME = "bold"
ADDED = "$text-success on $success 12%"
REMOVED = "$text-error on $error 12%"
ADDED_WORD = "bold $text-success on $success 38%"
REMOVED_WORD = "bold $text-error on $error 38%"
HUNK = "$text-secondary"
COMMAND = "bold"

SUCCESS = "$text-success"
WARNING = "$text-warning"
ERROR = "$text-error"
ERROR_BAR = "$error"

HIT = "$text on $warning 40%"
SPOT = "bold reverse $text-primary"
CURRENT_HIT = "bold reverse $text-warning"
SELECTED = "$screen-selection-foreground on $screen-selection-background"

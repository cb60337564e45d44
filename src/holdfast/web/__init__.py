"""The terminal app in a browser: a page per app process, behind a key.

`textual-serve` has the page's terminal and the words that it and an app exchange. Here stands what makes it
safe to open: who is let in (`gate`, `sittings`), which requests are heard (`door`), with which rights the app
of a page runs and when it ends (`apps`), the pages themselves (`pages`), and the server that brings them
together.
"""

"""The two pages: where one signs in, and the terminal. Nothing in them comes from another server."""

from __future__ import annotations

from html import escape

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>Holdfast</title>
<link rel="icon" href="data:,">
{links}
</head>
"""

_LOGIN = """<body class="login">
<main>
<h1>Holdfast</h1>
<form method="post" action="/login">
<label for="key">A key to this engine</label>
<input id="key" name="key" type="password" autocomplete="off" spellcheck="false" required autofocus>
<p id="problem" role="alert">{problem}</p>
<button>Sign in</button>
</form>
<p class="hint"><code>holdfast keys create NAME</code> makes a key on the engine's machine.</p>
</main>
</body>
</html>
"""

_TERMINAL = """<body>
<div class="bar"><span>Holdfast · {name}</span>
<form method="post" action="/logout"><button>Sign out</button></form></div>
<div class="dialog-container intro-dialog"><div class="intro">Opening the workbench …</div></div>
<div class="dialog-container closed-dialog"><div class="intro">
<p>This page is not connected any more. Runs go on in the engine.</p>
<a href="/">Open it again</a></div></div>
<div id="terminal" class="textual-terminal" data-font-size="{font_size}"></div>
</body>
</html>
"""

SMALLEST, LARGEST = 8, 40


def login_page(problem: str = "") -> str:
    """Returns the page on which one signs in; `problem` says why it did not work."""
    links = '<link rel="stylesheet" href="/assets/page.css">\n<script src="/assets/login.js" defer></script>'
    return _HEAD.format(links=links) + _LOGIN.format(problem=escape(problem))


def terminal_page(name: str, font_size: int = 16) -> str:
    """Returns the page with the terminal, for the user of this name."""
    links = (
        '<link rel="stylesheet" href="/static/css/xterm.css">\n'
        '<link rel="stylesheet" href="/assets/page.css">\n'
        '<script src="/assets/terminal.js" defer></script>\n'
        '<script src="/static/js/textual.js" defer></script>'
    )
    size = min(max(font_size, SMALLEST), LARGEST)
    return _HEAD.format(links=links) + _TERMINAL.format(name=escape(name), font_size=size)

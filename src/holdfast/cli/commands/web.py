"""`holdfast web`: the terminal app in a browser, behind a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.doors import doors
from holdfast.cli.options import examples, single

app = single()


@app.command(
    epilog=examples(
        "holdfast web",
        "holdfast web --open",
        "holdfast web --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem",
    )
)
def web(
    host: Annotated[str, typer.Option(help="Address of this machine to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8701,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open a browser of this machine, signed in.")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link/--no-link", help="Print a link that signs in once, on loopback addresses.")
    ] = True,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate with its chain (PEM).")
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option("--tls-key", metavar="FILE", help="Its key, if it is not in the same file."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen for other machines without TLS all the same.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host", metavar="NAME", help="Another name that browsers may use, as a proxy's."
        ),
    ] = None,
    pages: Annotated[int, typer.Option(min=1, max=1000, help="Pages that may be open at once.")] = 16,
) -> None:
    """Serve the workbench to browsers, and print who comes and goes.

    Whoever opens the page signs in with a key (`holdfast keys create NAME`), and works as the key's user.
    """
    from holdfast.web.serve import WebOptions  # its server is not for `--help`

    options = WebOptions(
        host=host,
        port=port,
        tls_cert=None if tls_cert is None else str(tls_cert.expanduser()),
        tls_key=None if tls_key is None else str(tls_key.expanduser()),
        insecure=insecure,
        allow_hosts=tuple(allow_host or ()),
        open=open_browser,
        link=link,
        pages=pages,
    )
    raise typer.Exit(doors().serve_web(options, lambda text: print(text, flush=True)))

"""`holdfast web`: the terminal app in a browser, behind a key."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.cli.doors import doors
from holdfast.cli.options import Host, TlsCert, TlsKey, examples, single, whole

app = single()


@app.command(
    epilog=examples(
        "holdfast web",
        "holdfast web --open",
        "holdfast web --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem",
    )
)
def web(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8701,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open a browser of this machine, signed in.")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link/--no-link", help="Print a link that signs in once, on loopback addresses.")
    ] = True,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
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
        tls_cert=whole(tls_cert),
        tls_key=whole(tls_key),
        insecure=insecure,
        allow_hosts=tuple(allow_host or ()),
        open=open_browser,
        link=link,
        pages=pages,
    )
    raise typer.Exit(doors().serve_web(options, lambda text: print(text, flush=True)))

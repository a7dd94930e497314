"""The commands that serve: ``serve``, ``chat`` and ``mcp``."""

from __future__ import annotations

from threading import Thread
from typing import Annotated

import typer

from newsqa import options
from newsqa.errors import UsageError
from newsqa.options import Session, command

Host = Annotated[
    str, typer.Option(metavar="NAME", help="Address to listen on; others than this machine's need a token.")
]
Local = Annotated[str, typer.Option(metavar="NAME", help="Address to listen on, of this machine alone.")]
Port = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
OpenBrowser = Annotated[bool, typer.Option("--open", help="Open it in the browser.")]
Token = Annotated[
    str | None,
    typer.Option(metavar="TOKEN", envvar="NEWSQA_TOKEN", help="Ask for this token; who has it may do everything."),
]
ReadToken = Annotated[
    str | None,
    typer.Option(
        metavar="TOKEN", envvar="NEWSQA_READ_TOKEN", help="Ask for this token; who has it may change nothing."
    ),
]
AllowHost = Annotated[
    list[str],
    typer.Option(
        metavar="NAME",
        default_factory=list,
        show_default=False,
        help="Name that others reach it by, through a proxy; repeatable.",
    ),
]
RootPath = Annotated[str, typer.Option(metavar="PATH", show_default=False, help="Path that a proxy serves it under.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Add and remove nothing.")]
RateLimit = Annotated[
    int, typer.Option(metavar="N", min=0, help="Requests a minute that each client may send; 0 for any number.")
]
Http = Annotated[bool, typer.Option("--http", help="Serve over HTTP, at /mcp, not on standard input and output.")]
Links = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Address of a newsqa serve: sources link to its pages, not to the outlets'."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "newsqa chat --open", "newsqa chat --port 8000")(chat)
    command(
        app,
        "newsqa serve",
        "NEWSQA_TOKEN=… newsqa serve --host 0.0.0.0 --allow-host archive.example.org",
        "newsqa serve --read-only --root-path /archive",
    )(serve)
    command(app, "newsqa mcp", "newsqa mcp --links http://127.0.0.1:7860/", "newsqa mcp --http --port 7861")(mcp)


def chat(
    session: Session,
    host: Local = "127.0.0.1",
    port: Port = 7860,
    open_browser: OpenBrowser = False,
    read_only: ReadOnly = False,
) -> int:
    """Open the chat, for browsers on this machine.

    The same server as newsqa serve, without tokens.
    """
    with session.output.status("Loading…"):
        from newsqa.server.app import Options, serve

    serve(session.settings(), Options(host, port, read_only=read_only), name="chat", open_browser=open_browser)
    return options.OK


def serve(  # noqa: PLR0913  each is an option
    session: Session,
    *,
    host: Host = "127.0.0.1",
    port: Port = 7860,
    token: Token = None,
    read_token: ReadToken = None,
    allow_host: AllowHost,
    root_path: RootPath = "",
    read_only: ReadOnly = False,
    rate_limit: RateLimit = 600,
) -> int:
    """Serve the chat and the API, for this machine or, with tokens, for others.

    docs/server.md describes the API, proxies and running it as a service.
    """
    with session.output.status("Loading…"):
        from newsqa.server.app import Options, serve

    chosen = Options(host, port, token, read_token, tuple(allow_host), root_path, read_only, rate_limit)
    serve(session.settings(), chosen)
    return options.OK


def mcp(
    session: Session,
    *,
    links: Links = None,
    http: Http = False,
    host: Host = "127.0.0.1",
    port: Port = 7861,
    token: Token = None,
    read_token: ReadToken = None,
    allow_host: AllowHost,
) -> int:
    """Offer the archive to assistants, over the Model Context Protocol.

    On standard input and output, where the assistant starts it itself, or over HTTP.
    Needs: pip install 'newsqa[mcp]'
    """
    try:
        import mcp as _  # noqa: F401
    except ImportError as error:
        raise UsageError("For assistants the package mcp is missing: pip install 'newsqa[mcp]'") from error
    from newsqa.server import tools
    from newsqa.server.app import Options, create_service, run

    chosen = Options(host, port, token, read_token, tuple(allow_host))
    rules = chosen.rules()
    service = create_service(session.settings(), read_only=True)
    server = tools.create_server(service, links)
    Thread(target=service.warm, name="newsqa-warm", daemon=True).start()
    if http:
        run(tools.create_app(server, rules), chosen, "newsqa mcp", lambda url: None)
    else:
        server.run()
    return options.OK

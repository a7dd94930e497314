"""Calls of the chat's own functions, which any program can make: those that its page never makes are refused."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsqa.server import problems
from newsqa.server.guard import ASKING, path_of

ODD = "The chat's page makes no such call. Programs have an API of their own: /docs"

log = logging.getLogger(__name__)


class Calls:
    """Answers 400 where Gradio breaks: at unknown functions, and at the wrong number of values.

    What the functions do themselves never breaks, since they turn errors into messages.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or path_of(scope) not in ASKING:
            await self._app(scope, receive, send)
            return
        odd = False

        async def told(message: Message) -> None:
            nonlocal odd
            if message["type"] == "http.response.start" and message["status"] >= 500:
                odd = True
                await problems.response(problems.described(400, ODD))(scope, receive, send)
            elif not odd:
                await send(message)

        try:
            await self._app(scope, receive, told)
        except Exception as error:  # Starlette raises it again once it is answered, and the connection would end
            if not odd:
                raise
            log.warning("An odd call of the chat: %r", error)

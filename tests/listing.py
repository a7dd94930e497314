"""Every method and path that an application answers, found by walking it: no new one can be forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles

WEBSOCKET = "WEBSOCKET"


def routes(application: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield those of an application and of what is mounted in it, each file too; a parameter's value is "a1"."""
    for route in iter_route_contexts(application.routes):
        original = route.original_route
        path = prefix + (getattr(route, "path", None) or getattr(original, "path", ""))
        if isinstance(original, Mount):
            yield from _mounted(original.app, path)
        else:
            methods = {WEBSOCKET} if isinstance(original, WebSocketRoute) else route.methods or {"GET"}
            yield from ((method, re.sub(r"{[^}]+}", "a1", path)) for method in methods)


def _mounted(application: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(application, StaticFiles):
        for folder in map(Path, application.all_directories):
            yield from (("GET", f"{path}/{f.relative_to(folder).as_posix()}") for f in folder.rglob("*") if f.is_file())
    else:
        yield from routes(application, path)

"""Pages of the server's own: to log in, and what the API offers. Without any script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from newsqa.escape import text
from newsqa.pages import page

_FORM = Markup(
    '<h1>Log in</h1>{}<form method="post" action="login"><p><label for="token">Token</label><br>'
    '<input id="token" name="token" type="password" autocomplete="current-password" required autofocus></p>'
    '<input name="next" type="hidden" value="{}"><p><button>Log in</button></p></form>'
    '<p class="nq-meta">Logged in already? <a href="{}">Go on</a>.</p>'
)


def login_page(wanted: str, problem: str = "") -> str:
    """Render the form that asks for a token; ``wanted`` is where to go on.

    The link helps who comes from another site: the browser keeps the session to itself until then.
    """
    said = Markup('<p class="nq-problem" role="alert">{}</p>').format(text(problem)) if problem else Markup("")
    return page("Log in", _FORM.format(said, text(wanted), text(wanted)))


def reference_page(document: Mapping[str, Any]) -> str:
    """Render an OpenAPI document for people."""
    main = Markup("<h1>The API of newsqa</h1>{}<p>{}</p>{}<h2>What is sent and given</h2>{}").format(
        _words(document["info"]["description"]),
        Markup('For programs: <a href="openapi.json">openapi.json</a>.'),
        Markup("").join(_operations(document)),
        Markup("").join(map(_schema, *zip(*sorted(document["components"]["schemas"].items()), strict=True))),
    )
    return page("The API of newsqa", main)


def _operations(document: Mapping[str, Any]) -> Iterator[Markup]:
    server = document["servers"][0]["url"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield Markup("<section><h2><code>{} {}</code></h2>{}{}{}{}</section>").format(
                method.upper(),
                text(server + path),
                _words(operation["description"]),
                _fields({p["name"]: p["schema"] | p for p in operation.get("parameters", [])}, _required(operation)),
                _body(operation.get("requestBody")),
                _answers(operation["responses"]),
            )


def _required(operation: Mapping[str, Any]) -> list[str]:
    return [p["name"] for p in operation.get("parameters", []) if p["required"]]


def _body(body: Mapping[str, Any] | None) -> Markup:
    contents = (body or {"content": {}})["content"].items()
    said = [f"Send {kind}: {_type(content['schema'])}." for kind, content in contents]
    return Markup("").join(Markup("<p>{}</p>").format(text(line)) for line in said)


def _answers(answers: Mapping[str, Any]) -> Markup:
    rows = [
        Markup("<li>{}: {}</li>").format(
            status, text(", ".join(_type(content.get("schema", {})) or kind for kind, content in _contents(answer)))
        )
        for status, answer in sorted(answers.items())
    ]
    return Markup("<p>It answers:</p><ul>{}</ul>").format(Markup("").join(rows))


def _contents(answer: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return list(answer.get("content", {}).items())


def _schema(name: str, schema: Mapping[str, Any]) -> Markup:
    return Markup("<section><h3><code>{}</code></h3>{}{}</section>").format(
        text(name),
        _words(schema.get("description", "")),
        _fields(schema.get("properties", {}), schema.get("required", [])),
    )


def _fields(fields: Mapping[str, Any], required: list[str]) -> Markup:
    rows = [
        Markup("<li><code>{}</code>: {}{}. {}</li>").format(
            text(name), text(_type(field)), "" if name in required else ", optional", text(field.get("description", ""))
        )
        for name, field in fields.items()
    ]
    return Markup("<ul>{}</ul>").format(Markup("").join(rows)) if rows else Markup("")


def _type(schema: Mapping[str, Any]) -> str:
    """Name a type in words: ``string or null``, ``list of Citation``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "")


def _words(paragraphs: str) -> Markup:
    return Markup("").join(Markup("<p>{}</p>").format(text(part)) for part in paragraphs.split("\n\n"))

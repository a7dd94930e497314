"""An evaluation as one HTML file to look at: no script, and nothing that it loads from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.metadata import version

from markupsafe import Markup

from newsqa.evaluate import plots
from newsqa.evaluate.outcomes import (
    BY_KIND,
    FAULTS,
    FIGURES,
    Evaluation,
    Outcome,
    Way,
    columns,
    figures,
)
from newsqa.evaluate.summary import kinds, milliseconds

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; max-width: 68rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0.2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; } caption { text-align: left; color: #555; }
th, td { text-align: left; padding: 0.2rem 1.2rem 0.2rem 0; border-bottom: 1px solid #e4e4e4; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1.5rem; }
figure { margin: 0; min-width: 0; } figure h3 { font-size: 1rem; margin: 0.4rem 0; }
figure img { width: 100%; } figcaption { font-size: 0.9rem; } .wide { overflow-x: auto; }
summary { cursor: pointer; } .bad { background: #fdecea; border-left: 4px solid #b3261e; padding: 0.5rem 1rem; }
article { border-top: 1px solid #e4e4e4; padding: 0.6rem 0; } article p { margin: 0.15rem 0; }
blockquote { margin: 0.2rem 0 0.2rem 0; padding-left: 0.8rem; border-left: 3px solid #c9d6e6; color: #333; }
.quiet { color: #555; overflow-wrap: anywhere; }
"""
PAGE = Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>newsqa on {file}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>newsqa on {file}</h1>
{body}
</main>
</body>
</html>
""")


def page(evaluation: Evaluation) -> str:
    """Render the report; raises UsageError when matplotlib is missing."""
    table = columns(evaluation.outcomes)
    found = figures(table)
    body = Markup("\n").join(
        [
            _about(evaluation),
            *_citations(found.get("citations")),
            Markup("<h2>Figures</h2>"),
            _table(("figure", "value", "what it says"), [(n, f"{v:.3f}", FIGURES[n]) for n, v in found.items()]),
            Markup("<h2>Plots</h2>\n<div class=plots>{}</div>").format(Markup().join(map(_plot, plots.draw(table)))),
            Markup("<h2>By kind of question</h2>"),
            _table(("kind", "questions", *BY_KIND), kinds(evaluation)),
            Markup("<h2>Milliseconds</h2>"),
            _table(("step", "median", "95 in 100 take less"), milliseconds(evaluation)),
            Markup("<h2>What went wrong</h2>"),
            *([_fault(fault, wrong) for fault, wrong in evaluation.faults.items()] or [Markup("<p>Nothing.</p>")]),
        ]
    )
    return PAGE.format(policy=Markup(POLICY), style=Markup(STYLE), file=evaluation.file, body=body)


def scope(way: Way) -> str:
    """Say in words how questions were asked."""
    parts = ["each against the articles that it comes with" if way.given else "each against everything searched"]
    parts += ["again with the articles that hold its answer left out"] if way.without else []
    parts += [f"the {way.half} ones only"] if way.half else []
    parts += [f"as of {way.as_of}"] if way.as_of else []
    parts += ["as of its own date where it has one"] if way.dated else []
    return ", ".join([*parts, *([f"at most {way.limit:,}, evenly spread"] if way.limit else [])])


def _about(evaluation: Evaluation) -> Markup:
    first = evaluation.first
    answerable = sum(outcome.answerable for outcome in first)
    skipped = "; ".join(f"{count:,} left out: {why}" for why, count in evaluation.skipped.items())
    return Markup(
        "<p>{asked:,} questions, {answerable:,} with a known answer and {none:,} without one; {scope}. "
        "Answers less sure than {threshold:g} are withheld. {skipped}</p>\n"
        "<p class=quiet>newsqa {version}, {day}; sha256 of the questions {sha256}</p>"
    ).format(
        asked=len(first),
        answerable=answerable,
        none=len(first) - answerable,
        scope=scope(evaluation.way),
        threshold=evaluation.min_confidence,
        skipped=f"{skipped}." if skipped else "",
        version=version("newsqa"),
        day=date.today().isoformat(),
        sha256=evaluation.sha256,
    )


def _citations(share: float | None) -> list[Markup]:
    if share is None or share == 1:
        return []
    return [Markup("<p class=bad>Only {:.1%} of the citations verify. This is a defect in newsqa.</p>").format(share)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """Make a table; what looks like a number is set to the right."""

    def cell(name: str, text: str) -> Markup:
        kind = Markup(" class=n") if text[:1].isdigit() else ""
        return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), kind, text)

    shown = [list(row) for row in rows]
    right = [all(row[i][:1].isdigit() or row[i] == "-" for row in shown) for i in range(len(head))]
    top = [
        Markup("<th scope=col{}>{}</th>").format(Markup(" class=n") if r else "", h)
        for h, r in zip(head, right, strict=True)
    ]
    lines = [Markup("<tr>{}</tr>").format(Markup().join(cell("td", text) for text in row)) for row in shown]
    return Markup("<div class=wide><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>").format(
        Markup().join(top), Markup().join(lines)
    )


def _plot(plot: plots.Plot) -> Markup:
    image = base64.b64encode(plot.svg.encode()).decode()
    return Markup(
        '<figure><h3>{title}</h3><img alt="{title}. {told}" src="data:image/svg+xml;base64,{image}">'
        "<figcaption>{told}<details><summary>Figures</summary>{rows}</details></figcaption></figure>"
    ).format(title=plot.title, told=plot.told, image=image, rows=_table(plot.head, plot.rows))


def _fault(fault: str, wrong: Sequence[Outcome]) -> Markup:
    return Markup("<details><summary>{}: {:,}</summary>{}</details>").format(
        FAULTS[fault], len(wrong), Markup().join(map(_case, sorted(wrong, key=lambda o: -o.confidence)))
    )


def _case(outcome: Outcome) -> Markup:
    return Markup(
        "<article><p><strong>{question}</strong> <span class=quiet>{id}, {kind}</span></p>"
        "<p>Known: {gold}</p><p>newsqa: {answer} <span class=quiet>confidence {confidence:.2f}</span></p>"
        "<blockquote>{quote} <span class=quiet>{title}</span></blockquote></article>"
    ).format(
        question=outcome.question,
        id=outcome.id,
        kind=outcome.kind,
        gold=" · ".join(outcome.gold) or "no answer",
        answer=outcome.answer or "no answer",
        confidence=outcome.confidence,
        quote=outcome.quote or "",
        title=outcome.title or "",
    )

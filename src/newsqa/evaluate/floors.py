"""The quality gate: figures that may not get worse, with the digest of the questions they were measured on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from math import ceil, floor
from pathlib import Path
from typing import Any

from newsqa.errors import UsageError
from newsqa.evaluate.outcomes import LOWER_IS_BETTER, Evaluation, columns, figures

Floors = dict[str, Any]
"""As in the file: ``sha256``, ``way``, ``min_confidence``, ``floors``, and why some were ``lowered``."""
MARGIN = 0.01
"""Room below what was measured, beside that of one question: processors round differently."""
WITHOUT_FLOOR = {"citations", "found elsewhere"}
"""Citations must all verify, always; that an answer stands elsewhere, too, is no merit."""
BY_KIND = ("recall@5", "f1", "right")
"""What has a floor for each kind of question, too."""


def measured(evaluation: Evaluation) -> dict[str, float]:
    """Return the figures that have floors; ``right [who]`` is that of one kind."""
    found = figures(columns(evaluation.outcomes))
    for kind, outcomes in evaluation.kinds.items():
        own = figures(columns(outcomes))
        found |= {f"{name} [{kind}]": own[name] for name in BY_KIND if name in own}
    return found


def read(path: Path, *, new: bool = False) -> Floors:
    """Read a file of floors; with ``new`` one that isn't there has none.

    Raises UsageError when the file is not what `write` makes.
    """
    if new and not path.exists():
        return {"sha256": "", "way": {}, "min_confidence": 0.0, "lowered": [], "floors": {}}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {key: kept[key] for key in ("sha256", "way", "min_confidence", "lowered", "floors")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"'{path}' holds no floors as --write-floors writes them ({error!r})") from error


def check(evaluation: Evaluation, kept: Floors) -> list[str]:
    """Say which figures are worse than their floors, a line each."""
    if any(kept[key] != ours for key, ours in _scope(evaluation).items()):
        return ["The floors are those of other questions, or of another way of asking. Measure anew: --write-floors"]
    found, floors = measured(evaluation), kept["floors"]
    missing = [f"{name}: not measured, the floor is {floors[name]:.2f}" for name in floors if name not in found]
    return missing + [f"{name}: {found[name]:.3f}, the floor is {floors[name]:.2f}" for name in _worse(found, floors)]


def write(evaluation: Evaluation, path: Path, kept: Floors, why: str | None = None) -> list[str]:
    """Write floors a little under what was measured; refuse, and say so, where one would be lower than was ``kept``.

    ``why`` lets them be lower. The reason stays in the file; a test looks for it in the CHANGELOG.
    """
    found = measured(evaluation)
    floors = {name: _with_room(name, value, evaluation) for name, value in found.items() if name not in WITHOUT_FLOOR}
    lower = _worse(floors, kept["floors"]) + [name for name in kept["floors"] if name not in floors]
    if lower and not why:
        return [f"Not written, for it would lower {', '.join(lower)}. If it must: --allow-lower WHY, also CHANGELOG.md"]
    document = _scope(evaluation) | {"lowered": kept["lowered"] + [why] * bool(lower), "floors": floors}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return []


def _scope(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "sha256": evaluation.sha256,
        "way": asdict(evaluation.way),
        "min_confidence": evaluation.min_confidence,
    }


def _with_room(name: str, value: float, evaluation: Evaluation) -> float:
    kind = name.partition(" [")[2].removesuffix("]")
    asked = sum(outcome.kind == kind for outcome in evaluation.first) if kind else len(evaluation.first)
    room = MARGIN + 1 / asked
    if name in LOWER_IS_BETTER:
        return min(1.0, ceil(100 * (value + room)) / 100)
    return max(0.0, floor(100 * (value - room)) / 100)


def _worse(found: Mapping[str, float], floors: Mapping[str, float]) -> list[str]:
    signs = {name: -1 if name in LOWER_IS_BETTER else 1 for name in floors}
    return [name for name, value in floors.items() if name in found and signs[name] * (found[name] - value) < 0]

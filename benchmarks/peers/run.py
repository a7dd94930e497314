"""newsqa side by side with txtai, Haystack, LlamaIndex and Chroma, in one interleaved run.

    python benchmarks/peers/run.py [--articles 300] [--questions 50] [--work FOLDER]

Every system runs in a process of its own, peers in environments of their own, made at first with the
versions of ``<peer>.txt``. They take turns at each step, so that what else the machine does falls on
all of them alike: ratios are to be read, not seconds. A run that was stopped goes on where it was;
delete its folder under ``--work`` to measure anew. The articles come from ``NEWSQA_DATA``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tomllib
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import corpus
import figures
from comparison import Comparison, Entrant

sys.path.append(str(Path(__file__).parents[1]))
from machine import machine
from newsqa.evaluate.questions import read
from newsqa.settings import Settings

HERE = Path(__file__).parent
PEERS = ("txtai", "haystack", "llamaindex", "chroma")
VERSIONS = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"


def entrants(work: Path) -> list[Entrant]:
    """Return newsqa as it is installed here, and the peers; make the environments that are missing."""
    return [
        Entrant(figures.OURS, Path(sys.executable), HERE / "peer_newsqa.py"),
        *(Entrant(name, environment(name, work), HERE / f"peer_{name}.py") for name in PEERS),
    ]


def environment(name: str, work: Path) -> Path:
    """Return a peer's interpreter; make its environment first, unless it holds what is wanted."""
    wanted = (HERE / f"{name}.txt").read_text(encoding="utf-8")
    folder, done = work / name / "venv", work / name / "installed.txt"
    python = folder / "bin" / "python"
    if not done.is_file() or done.read_text(encoding="utf-8") != wanted:
        print(f"Making {folder}", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", HERE / f"{name}.txt"], check=True)
        done.write_text(wanted, encoding="utf-8")
    return python


def versions(system: Entrant) -> dict[str, str]:
    """Return the versions that are installed of what the peers pin."""
    pinned = {line.split("==")[0] for name in PEERS for line in (HERE / f"{name}.txt").read_text().splitlines()}
    told = subprocess.run([system.python, "-c", VERSIONS], capture_output=True, check=True).stdout
    wanted = pinned | {figures.OURS, "transformers", "openvino"}
    return {name: version for name, version in sorted(json.loads(told).items()) if name.lower() in wanted}


def write(out: Path, measured: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Write the measurements as JSON, their table and the capabilities as Markdown, and the picture."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "peers.json").write_text(json.dumps({**about, "systems": measured}, indent=1) + "\n", encoding="utf-8")
    declared = tomllib.loads((HERE / "capabilities.toml").read_text(encoding="utf-8"))
    text = f"{figures.table(measured)}\n{figures.capabilities(declared)}"
    (out / "peers.md").write_text(text, encoding="utf-8")
    figures.draw(measured, out / "peers.svg")
    print(text)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=300, help="how many to index; 0 for the whole archive")
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3, help="in how many parts to index")
    parser.add_argument("--threads", type=int, default=0, help="for every system; 0 leaves each its own default")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="for environments, indexes, interim results")
    parser.add_argument("--out", type=Path, default=HERE.parent / "results", help="folder for what comes out")
    return parser.parse_args(given)


def main() -> None:
    """Compare, and write what came out."""
    given = arguments()
    data = Settings.load().data / "archive"
    questions = read(data / "questions.jsonl.gz", "odd", given.questions).asked
    with gzip.open(data / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        archive = [json.loads(line) for line in lines]
    chosen = corpus.choose(archive, questions, given.articles or len(archive))
    work = given.work.absolute()
    systems = entrants(work)
    form = {"articles": len(chosen.articles), "questions": len(questions)}
    form |= {"rounds": given.rounds, "threads": given.threads}
    comparison = Comparison(work / f"run-{'-'.join(map(str, form.values()))}", systems, given.threads)
    before = comparison.ledger.once("machine", machine)
    measured = comparison.run(chosen, questions, given.rounds)
    after = comparison.ledger.once("machine after", machine)
    about = {"form": form, "machine": before, "load_after": after["load"]}
    write(given.out, measured, about | {"versions": {system.name: versions(system) for system in systems}})


if __name__ == "__main__":
    main()

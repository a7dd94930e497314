"""Train the span reader; a run that was stopped goes on from its last checkpoint."""

from __future__ import annotations

import argparse
import copy
import json
import random
import shutil
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

import data
import headlines
import sources
from data import Group, batches
from model import SpanReader, collate, loss
from newsqa.settings import Settings

HERE = Path(__file__).parent


def train(made: list[Group], config: dict[str, Any], seed: int, work: Path, base: Path, start: Path | None) -> Path:
    """Train on groups and return where the weights are.

    Args:
        made: What to train on.
        config: A stage of the configuration, with what it shares with the others.
        seed: Of the order of batches, and of the first weights of the head.
        work: Folder of this stage; holds its checkpoint, then its weights.
        base: Folder of the base model.
        start: Weights to begin with, in place of the base model's.
    """
    finished, saved = work / "model.pt", work / "checkpoint.pt"
    torch.manual_seed(seed)
    # Each replica is a thread of its own: two threads in one operation stall one another when cores are shared.
    torch.set_num_threads(1)
    model = SpanReader(base)
    if start:
        model.load_state_dict(torch.load(start, weights_only=True))
    plan = list(batches(made, config["questions_a_batch"], random.Random(seed)))[: config["steps"]]
    parameters = trained(model)
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config["weight_decay"]},
            {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
        ],
        lr=1.0,
        fused=True,
    )
    first, last = config["learning_rate"]
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min((step + 1) / config["warmup_steps"], 1.0) * (first + (last - first) * step / len(plan)),
    )
    begin = 0
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        rate.load_state_dict(state["rate"])
        begin = state["step"]
        print(f"going on from step {begin}", flush=True)
    replicas = [Replica(model) for _ in range(config["replicas"])]
    began = kept = time.monotonic()
    running, seen = 0.0, 0
    with ThreadPoolExecutor(len(replicas)) as pool:
        for step in range(begin, len(plan)):
            batch = plan[step]
            small = [batch[i : i + config["micro_batch"]] for i in range(0, len(batch), config["micro_batch"])]
            shares = [small[i :: len(replicas)] for i in range(len(replicas))]
            losses = list(pool.map(Replica.run, replicas, shares, [len(batch)] * len(replicas)))
            for parameter, *sums in zip(parameters, *(replica.gradients for replica in replicas), strict=True):
                for more in sums[1:]:
                    sums[0].add_(more)
                parameter.grad = sums[0]
            torch.nn.utils.clip_grad_norm_(parameters, config["clip"])
            optimiser.step()
            rate.step()
            running += (sum(losses) - running) * (0.01 if running else 1)
            seen += sum(len(group.windows) for group in batch)
            if step % 10 == 0:
                pace = seen / (time.monotonic() - began)
                print(f"step {step}/{len(plan)} loss {running:.3f} windows/s {pace:.1f}", flush=True)
            if time.monotonic() - kept > 60 * config["checkpoint_minutes"]:
                _save(saved, {"model": model.state_dict(), "optimiser": optimiser.state_dict(),
                              "rate": rate.state_dict(), "step": step + 1})  # fmt: skip
                kept = time.monotonic()
    _save(finished, model.state_dict())
    saved.unlink(missing_ok=True)
    return finished


def trained(model: SpanReader) -> list[torch.nn.Parameter]:
    """Return what training changes."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


class Replica:
    """A copy of the model in bfloat16 that sums its gradients in float32."""

    def __init__(self, master: SpanReader) -> None:
        self.master = master
        self.model = copy.deepcopy(master).to(torch.bfloat16)
        self.gradients = [torch.zeros_like(p) for p in trained(master)]

    def run(self, shares: list[list[Group]], questions: int) -> float:
        """Set ``gradients`` to those of its share of a batch; return its part of the loss."""
        for mine, theirs in zip(trained(self.model), trained(self.master), strict=True):
            mine.data.copy_(theirs.data)
        for gradient in self.gradients:
            gradient.zero_()
        total = 0.0
        for groups in shares:
            batch = collate(groups)
            logits, relevance = self.model(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"])
            value = loss(logits, relevance, batch, len(groups)) / questions
            value.backward()
            total += float(value.detach())
            for gradient, parameter in zip(self.gradients, trained(self.model), strict=True):
                if parameter.grad is not None:
                    gradient.add_(parameter.grad)
                    parameter.grad = None
        return total


def _save(path: Path, state: dict[str, Any]) -> None:
    temporary = path.with_suffix(".part")
    torch.save(state, temporary)
    temporary.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=HERE / "work", help="where checkpoints and weights go")
    parser.add_argument("--steps", type=int, help="stop each stage after so many steps: a trial, not the shipped model")
    given = parser.parse_args()
    folder = Settings.load().data
    config = tomllib.loads((HERE / "config.toml").read_text(encoding="utf-8"))
    # A trial, or a run with other settings, would be taken for a part of this one.
    asked, written = {**config, "steps": given.steps}, given.work / "config.json"
    if written.exists() and json.loads(written.read_text(encoding="utf-8")) != asked:
        parser.error(f"'{given.work}' holds a run with another configuration: name another --work")
    given.work.mkdir(parents=True, exist_ok=True)
    base, squad = sources.base(given.work), sources.squad(given.work)
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    written.write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")
    weights: Path | None = None
    for number, stage in enumerate(config["stages"], start=1):
        seed = config["seed"] + number - 1
        work = given.work / f"stage{number}"
        if (work / "model.pt").exists():
            weights = work / "model.pt"
            continue
        made = data.groups([folder / "reader", squad.parent], {**config["data"], **stage}, tokenizer, seed)
        if stage["headline_groups"]:
            made += headlines.groups(
                folder / "archive" / "articles.jsonl.gz", {**config["data"], **stage}, tokenizer, seed
            )
        windows = sum(len(group.windows) for group in made)
        print(json.dumps({"stage": number, "groups": len(made), "windows": windows}), flush=True)
        work.mkdir(parents=True, exist_ok=True)
        settings = {**config["train"], **stage, "steps": min(stage["steps"], given.steps or stage["steps"])}
        weights = train(made, settings, seed, work, base, weights)
    if weights:
        shutil.copyfile(weights, given.work / "model.pt")


if __name__ == "__main__":
    main()

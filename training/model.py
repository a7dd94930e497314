"""The span reader: an encoder, one layer for where an answer starts and ends, and two for whether it is there at all.

A passage that says nothing scores against a fixed null of 0, shared by all of a
question's passages; so scores mean the same in every passage.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, AutoModelForSequenceClassification
from transformers.masking_utils import eager_mask

from data import Group
from newsqa.spans import SKIM

CLS, SEP = 101, 102
MASKED = -1e4
RELEVANCE = 0.3
"""What telling apart the passages counts, beside finding the span."""


def lean_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **_: object
) -> tuple[Tensor, None]:
    """Attention without dropout that stays in the model's precision: half the memory traffic of the stock one.

    Shapes (inputs, heads, tokens, size) to (inputs, tokens, heads, size).
    """
    scores = torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(2, 3))
    if attention_mask is not None:
        scores = scores + attention_mask
    return torch.matmul(scores.softmax(-1), value).transpose(1, 2).contiguous(), None


AttentionInterface.register("lean", lean_attention)
AttentionMaskInterface.register("lean", eager_mask)


class SpanReader(nn.Module):
    """Start and end logits for every token, and each input's relevance early and late."""

    def __init__(self, folder: Path, attention: str = "lean") -> None:
        super().__init__()
        whole = AutoModelForSequenceClassification.from_pretrained(
            folder, attn_implementation=attention, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
        )
        self.encoder = whole.bert
        self.relevant = whole.classifier
        # They are as they were, so eight bits lose nothing.
        self.encoder.embeddings.word_embeddings.weight.requires_grad = False
        size = self.encoder.config.hidden_size
        self.early = nn.Linear(size, 1)
        self.head = nn.Linear(size, 2)
        for layer in (self.early, self.head):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return span logits, shape (2, inputs, tokens), and relevance, shape (2, inputs): early, late."""
        found = self.encoder(input_ids, attention_mask, token_type_ids, output_hidden_states=True)
        early = self.early(found.hidden_states[SKIM][:, 0])[:, 0]
        late = self.relevant(found.pooler_output)[:, 0]
        return self.head(found.last_hidden_state).permute(2, 0, 1), torch.stack([early, late])


def collate(groups: Sequence[Group]) -> dict[str, Tensor]:
    """Pad a batch; ``quotable`` marks passage tokens, ``gold`` starts and ends, ``group`` each input's question."""
    inputs = [(n, group.question, window) for n, group in enumerate(groups) for window in group.windows]
    longest = max(3 + len(q) + len(w.context) + bool(w.context) + len(w.tokens) for _, q, w in inputs)
    width = -(-longest // 16) * 16
    shape = (len(inputs), width)
    ids, mask, types = (torch.zeros(shape, dtype=torch.long) for _ in range(3))
    quotable, gold = torch.zeros(shape, dtype=torch.bool), torch.zeros((2, *shape), dtype=torch.bool)
    for row, (_, question, window) in enumerate(inputs):
        first = [CLS, *question, SEP, *window.context, *([SEP] if window.context else [])]
        tokens = [*first, *window.tokens, SEP]
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
        types[row, len(first) : len(tokens)] = 1
        quotable[row, len(first) : len(tokens) - 1] = True
        for start, end in window.answers:
            gold[0, row, len(first) + start] = True
            gold[1, row, len(first) + end - 1] = True
    group = torch.tensor([n for n, _, _ in inputs])
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types, "quotable": quotable, "gold": gold,
            "group": group}  # fmt: skip


def loss(logits: Tensor, relevance: Tensor, batch: dict[str, Tensor], questions: int) -> Tensor:
    """Negative log likelihood of start and end, each normalised over a question's passages and the null."""
    logits = logits.float().masked_fill(~batch["quotable"], MASKED)
    total = logits.new_zeros(())
    for scores, gold in zip(logits, batch["gold"], strict=True):
        every = _by_group(scores.logsumexp(1), batch["group"], questions, null=True)
        right = scores.masked_fill(~gold, MASKED).logsumexp(1)
        best = _by_group(right, batch["group"], questions)
        total = total + (every - torch.where(best > MASKED / 2, best, torch.zeros_like(best))).sum()
    total = total / 2
    holds = batch["gold"][0].any(1)
    for scores in relevance.float():
        every = _by_group(scores, batch["group"], questions, null=True)
        best = _by_group(scores.masked_fill(~holds, MASKED), batch["group"], questions)
        total = total + RELEVANCE * (every - torch.where(best > MASKED / 2, best, torch.zeros_like(best))).sum()
    return total


def _by_group(scores: Tensor, group: Tensor, questions: int, *, null: bool = False) -> Tensor:
    """Log-sum-exp of the inputs of each question."""
    table = scores.new_full((questions, len(scores) + 1), -1e5)
    table[group, torch.arange(len(scores))] = scores
    if null:
        table[:, -1] = 0.0
    return table.logsumexp(1)

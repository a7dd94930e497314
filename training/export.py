"""Turn trained weights into the shipped files: one OpenVINO model, float16 at rest."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from model import BASE, SpanReader
from newsqa.read import EVIDENCE, FEATURES, SETTLING


class Exported(nn.Module):
    """Inputs of shape (inputs, tokens) to logits of shape (2, inputs, tokens)."""

    def __init__(self, reader: SpanReader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        return self.reader(input_ids, attention_mask, token_type_ids)


def export(weights: Path, folder: Path) -> None:
    """Write reader.xml, reader.bin and tokenizer.json, and their digests to manifest.json."""
    # Its telemetry would report home.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    reader = SpanReader(BASE, attention="sdpa")
    reader.load_state_dict(torch.load(weights, weights_only=True))
    example = {
        name: torch.ones((2, 16), dtype=torch.long) for name in ("input_ids", "attention_mask", "token_type_ids")
    }
    with torch.no_grad():
        model = openvino.convert_model(Exported(reader.eval()), example_input=example)
    folder.mkdir(parents=True, exist_ok=True)
    openvino.save_model(model, folder / "reader.xml", compress_to_fp16=True)
    shutil.copyfile(BASE / "tokenizer.json", folder / "tokenizer.json")
    digests = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("reader.xml", "reader.bin", "tokenizer.json")
    }
    # Until calibrate.py has fitted them: by summed probability alone, and no idea how sure.
    manifest = {
        "sha256": digests,
        "ranking": [float(name == "mass") for name in FEATURES],
        "confidence": [0.0] * len(EVIDENCE),
        "settling": [0.0] * len(SETTLING),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    export(given.weights, given.folder)

"""Turn trained weights into the shipped file: float16, and eight bits for the words' vectors, which training leaves."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from newsqa.read import EVIDENCE, FEATURES, SETTLING
from newsqa.spans import FILES

WORDS = "embeddings.word_embeddings"


def export(weights: dict[str, Tensor], tokenizer: Path, folder: Path) -> None:
    """Write weights and tokenizer.json, and their digests to manifest.json."""
    # The encoder's own names are those of BERT in the transformers library.
    named = {name.removeprefix("encoder."): tensor for name, tensor in weights.items()}
    words = named.pop(f"{WORDS}.weight")
    scale = (words.max() - words.min()) / 255
    shipped = {name: tensor.half().contiguous() for name, tensor in named.items()}
    shipped |= {
        f"{WORDS}.weight": ((words - words.min()) / scale).round().to(torch.uint8),
        f"{WORDS}.scale": scale.reshape(1),
        f"{WORDS}.zero": (-words.min() / scale).reshape(1),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reader.safetensors").write_bytes(save(shipped))
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    # Until calibrate.py has fitted them: by summed probability alone, and no idea how sure.
    manifest = {
        "sha256": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES},
        "ranking": [float(name == "mass") for name in FEATURES],
        "confidence": [0.0] * len(EVIDENCE),
        "settling": [0.0] * len(SETTLING),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder of the training run")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    trained = torch.load(given.work / "model.pt", weights_only=True)
    export(trained, given.work / "base" / "tokenizer.json", given.folder)

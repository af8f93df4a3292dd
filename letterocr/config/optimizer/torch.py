"""The schema of `conf/optimizer/torch.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from letterocr.config.option import option


@dataclass
class TorchConfig:
    """Any optimizer of torch.optim by its name, with full gradients."""

    name: str = option("Adam", "its class in torch.optim")
    options: dict[str, Any] = option({}, "its further arguments, as in optimizer.options={betas:[0.9,0.99]}")

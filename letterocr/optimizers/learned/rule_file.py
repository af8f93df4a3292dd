"""Files of learned optimizers: safetensors, whose metadata say how a file was made and what its meta-training cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from letterocr.base.errors import UserError
from letterocr.base.files import replace_file
from letterocr.base.home import expand_path, show_whole
from letterocr.base.untrusted import open_plain, parse_json_facts

COST = ("meta_steps", "optimizee_updates", "seconds")


def locate_shipped(which: str) -> Path:
    """Return the path of the file that ships with the package.

    Args:
        which: learned or learned_factored.
    """
    return Path(__file__).with_name(f"{which}.safetensors")


def write(path: Path, parameters: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Replace a file of a learned optimizer as a whole.

    Args:
        path: the file.
        parameters: tensors by name.
        facts: how the file was made, as JSON values; they are stored in the metadata.
    """
    from safetensors.torch import save

    data = save({k: v.detach().cpu().contiguous() for k, v in parameters.items()}, {"facts": json.dumps(facts)})
    with replace_file(path) as temporary:
        temporary.write_bytes(data)


def read(which: str, path: str | None, shapes: dict[str, tuple[int, ...]], like: Tensor) -> dict[str, Tensor]:
    """Read the parameters of a learned optimizer.

    Args:
        which: learned or learned_factored.
        path: the file; None: the one that ships with the package.
        shapes: the shape of each parameter by its name.
        like: any tensor of the wanted dtype and device.

    Returns:
        The parameters by name.

    Raises:
        UserError: the file is missing or damaged, or its parameters have other shapes.
    """
    file = expand_path(path) if path else locate_shipped(which)
    facts, parameters = _open(file)
    found = {name: tuple(p.shape) for name, p in parameters.items()}
    if found != shapes or facts.get("which") != which:
        made = facts.get("which", "something else")
        raise UserError(
            f"optimizer.path={file}: the file does not fit optimizer={which} (it holds {made}): take a file "
            f"made by letterocr meta_train which={which}."
        )
    if not all(p.isfinite().all() for p in parameters.values()):
        raise UserError(f"optimizer.path={file}: it holds numbers that are not finite: make it again.")
    return {name: p.to(like) for name, p in parameters.items()}


def read_meta_cost(path: str | Path) -> dict[str, float]:
    """Read the cost of the meta-training of a file: meta_steps, optimizee_updates, seconds.

    Raises:
        UserError: the file is missing or damaged, or does not state the cost.
    """
    facts, _ = _open(expand_path(path))
    if not all(isinstance(facts.get(name), int | float) for name in COST):
        raise UserError(f"{path} does not say what its meta-training cost: take a file of letterocr.meta_train.")
    return {name: facts[name] for name in COST}


def _open(file: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        open_plain(file).close()
        with safe_open(file, "pt") as opened:
            facts = parse_json_facts((opened.metadata() or {}).get("facts", "{}"))
            parameters = {name: opened.get_tensor(name).to(torch.float32) for name in opened.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise UserError(
            f"optimizer.path={show_whole(file)}: there is no such file: make it with letterocr.meta_train."
        ) from error
    except (OSError, SafetensorError, ValueError, MemoryError, RuntimeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UserError(f"optimizer.path={file}: the file can't be read ({reason}): make it again.") from error
    return facts, parameters

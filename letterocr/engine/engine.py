"""Base class of the engines: networks, data on the device, checkpoint state."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from letterocr.config.rule import Rule
from letterocr.data.letters import one_hot
from letterocr.data.order import Order
from letterocr.engine.evaluation import EvaluationSchedule
from letterocr.engine.inked_letters import InkedLetters
from letterocr.engine.records import Records
from letterocr.engine.task import TrainingTask
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import Optimizer, select_state

REFRESH = 4096  # samples after which cached pre-activations are computed anew, so that rounding errors can't add up


class Engine:
    """Trains R networks side by side, one sample at a time, and measures their test error.

    Args:
        task: the networks, the letters and the settings of the training; the properties give read access to them.
    """

    name = ""

    def __init__(self, task: TrainingTask) -> None:
        self._task, self._sample = task, 0
        like = task.network.weights[0]
        train, test = task.split.train, task.split.test
        self._images, self._labels = train.images.to(like), train.labels.to(like.device)
        self._targets = one_hot(self._labels, like, train.classes)
        self._test_images, self._test_labels = test.images.to(like), test.labels.to(like.device)

    @property
    def task(self) -> TrainingTask:
        """What the engine was built from."""
        return self._task

    @property
    def network(self) -> Network:
        """The R networks."""
        return self._task.network

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers, one for each replica."""
        return self._task.optimizers

    @property
    def orders(self) -> list[Order]:
        """The sample orders, one for each replica."""
        return self._task.orders

    @property
    def evaluation(self) -> EvaluationSchedule:
        """The schedule that says when the test error is measured."""
        return self._task.evaluation

    @property
    def rule(self) -> Rule:
        """The rule that gives the error vectors (17-19)."""
        return self._task.rule

    @property
    def loss_factor(self) -> float:
        """The factor f in the loss f |q - c|^2."""
        return self._task.loss_factor

    @property
    def images(self) -> Tensor:
        """The training letters [N, 900]."""
        return self._images

    @property
    def labels(self) -> Tensor:
        """The classes of the training letters [N]."""
        return self._labels

    @property
    def targets(self) -> Tensor:
        """The target outputs of the training letters [N, classes]: 1 for the right class, 0 elsewhere."""
        return self._targets

    @property
    def test_images(self) -> Tensor:
        """The test letters [T, 900]."""
        return self._test_images

    @property
    def test_labels(self) -> Tensor:
        """The classes of the test letters [T]."""
        return self._test_labels

    @property
    def sample(self) -> int:
        """The number of samples learned so far."""
        return self._sample

    @property
    def block(self) -> int:
        """The number of samples that the engine processes at once; a run is best cut at multiples of it."""
        return 1

    @property
    def certified(self) -> bool:
        """Whether test letters whose class is proved are not evaluated."""
        return False

    @property
    def shared_seconds(self) -> float:
        """Seconds of the latest stretch if several runs share the engine: one run's call learns for all of them."""
        return 0.0

    @cached_property
    def _ink(self) -> Tensor:
        """The pixels that have ink in at least one training letter: bool [900]."""
        return (self.images != 0).any(0)

    @cached_property
    def _inked_test(self) -> InkedLetters:
        return InkedLetters.select(self.test_images, self._ink)

    def _compute_first(self, network: Network, letters: InkedLetters) -> Tensor:
        """Return the letters' first pre-activations W_1 X + b_1 [..., T, out], by a full product."""
        x, bias = letters.multiply(network.weights[0]), network.biases[0]
        return x if bias is None else x.add_(bias.unsqueeze(-2))

    def _read(self, network: Network, letters: InkedLetters) -> Tensor:
        """Return the network's outputs [..., T, classes] for the letters, by a full forward pass."""
        return network.forward_from(1, [network.s(self._compute_first(network, letters))])[-1]

    @torch.no_grad()
    def read(self, r: int, images: Tensor) -> Tensor:
        """Return the outputs of one replica for any letters, by a full forward pass.

        Args:
            r: index of the replica.
            images: the letters [T, 900], where ink is 1.

        Returns:
            The outputs [T, classes].
        """
        network = self.optimizers[r].evaluation_network(self.network.replica(r))
        own = images is self.test_images
        return self._read(network, self._inked_test if own else InkedLetters.select(images, self._ink))

    def test_outputs(self, r: int) -> Tensor:
        """Return the outputs [T, classes] of replica r for the test letters, by a full forward pass."""
        return self.read(r, self.test_images)

    def test_error(self) -> Tensor:
        """Return the fraction of test letters that each replica misreads now, by a full forward pass: [R] float64."""
        misread = [(self.test_outputs(r).argmax(-1) != self.test_labels).sum() for r in range(self.network.replicas)]
        return torch.stack(misread).double() / len(self.test_labels)

    def advance(self, count: int) -> Records:
        """Learn the next `count` samples with every replica, and return what was recorded of each sample."""
        columns = [self._advance_replica(r, count) for r in range(self.network.replicas)]
        self._sample += count
        losses, wrong, errors = (torch.stack(c, 1).cpu().numpy() for c in zip(*columns, strict=True))
        return Records(losses, wrong, errors)

    def _advance_replica(self, r: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Learn `count` samples with replica r.

        Returns:
            Loss, whether misread, and test error (NaN where it was not measured), [count] each.
        """
        raise NotImplementedError

    def cached_tensors(self) -> dict[str, Tensor]:
        """Return the cached pre-activations by name.

        A checkpoint keeps them, so that a resumed run gives the same bits as an uninterrupted one.
        """
        raise NotImplementedError

    def select_cached(self, own: slice) -> dict[str, Tensor]:
        """Return the cached pre-activations of some replicas, by the names that an engine of these alone would give.

        Args:
            own: indices of the replicas.
        """
        parts = ((name.rpartition("."), tensor) for name, tensor in self.cached_tensors().items())
        places = {r: place for place, r in enumerate(range(self.network.replicas)[own])}
        return {f"{name}.{places[int(r)]}": tensor for (name, _, r), tensor in parts if int(r) in places}

    def skip_to(self, sample: int) -> None:
        """Take the networks as they are for those after `sample` samples."""
        self._sample = sample

    def state(self) -> dict[str, Tensor]:
        """Return by name every tensor that a resumed run needs to give the same bits as an uninterrupted one."""
        state = self.network.state() | self.cached_tensors()
        for r, optimizer in enumerate(self.optimizers):
            state |= {f"optimizer.{r}.{name}": tensor for name, tensor in optimizer.state().items()}
        return state

    @torch.no_grad()
    def load_state(self, sample: int, state: dict[str, Tensor]) -> None:
        """Restore the state of a checkpoint.

        Args:
            sample: number of samples learned at the checkpoint.
            state: the tensors by name, as `state` returned them.
        """
        self._sample = sample
        self.network.load_state(state)
        for r, optimizer in enumerate(self.optimizers):
            optimizer.load_state(select_state(state, r))
        for name, tensor in self.cached_tensors().items():
            tensor.copy_(state[name])

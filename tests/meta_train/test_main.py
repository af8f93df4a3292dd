"""Meta-training: its gradient against finite differences, that it lowers the loss, that it resumes, its refusals."""

import sys

import pytest
import torch
from helpers import one_sentence, random_letters
from rules import random_rule

from letterocr.meta_train import __main__ as meta_train
from letterocr.meta_train import episodes
from letterocr.meta_train import trainer as trainer_module
from letterocr.meta_train.trainer import MetaTrainer, MetaTrainingSettings
from letterocr.optimizers.learned import rule_file
from letterocr.run import checkpoint

LETTERS = random_letters(60, seed=3)
TINY = {"steps": 6, "unroll": 4, "replicas": 2, "letters": 1}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(episodes, "WIDTHS", {False: (5,), True: (6,)})
    monkeypatch.setattr(episodes, "TESTED", 20)
    monkeypatch.setattr(trainer_module, "LENGTHS", (8,))
    monkeypatch.setattr(trainer_module, "EVERY", 0.0)


@pytest.fixture(params=trainer_module.RULES)
def which(request):
    return request.param


def held_out_loss(trainer):
    """The loss on networks and letters that are no episode of the training."""
    task = episodes.draw_episode(random_letters(60, seed=4), 99, 0, replicas=4, steps=8, factored=trainer.factored)
    optimizee = episodes.Optimizee(task, trainer.factored)
    with torch.no_grad():
        return float(torch.stack([optimizee.update(trainer.parameters)[0] for _ in range(8)]).mean())


def test_training_lowers_the_loss_on_new_networks_and_letters(which):
    trainer = MetaTrainer(MetaTrainingSettings(which, steps=24, unroll=4, replicas=2, rate=0.01), LETTERS)
    before = held_out_loss(trainer)
    while trainer.step < 24:
        trainer.run_episode()
    assert held_out_loss(trainer) < 0.9 * before
    assert trainer.updates == 24 * 4 * 2
    assert trainer.seconds > 0


def test_the_gradient_is_that_of_finite_differences(which):
    """After one update: what the rule read did not depend on it, so that the detached gradient is exact."""
    factored = which == "learned_factored"
    parameters = {name: p.double().requires_grad_() for name, p in random_rule(which).items()}

    def first_loss(shifted):
        task = episodes.draw_episode(LETTERS, 5, 0, replicas=2, steps=1, factored=factored)
        for name, value in vars(task).items():
            if isinstance(value, torch.Tensor):
                setattr(task, name, value.double())
        task.scales, task.error_scales = [s.double() for s in task.scales], [s.double() for s in task.error_scales]
        n = task.network
        n.weights, n.biases = [w.double() for w in n.weights], [b.double() for b in n.biases if b is not None]
        n.temperature = torch.ones(2, 1, 1, dtype=torch.float64)
        f, e = episodes.Optimizee(task, factored).update(shifted)
        return f.log().mean() + e.mean()

    gradients = dict(zip(parameters, torch.autograd.grad(first_loss(parameters), parameters.values()), strict=True))
    direction = {name: p.double() for name, p in random_rule(which, seed=1).items()}
    with torch.no_grad():
        high, low = (first_loss({n: p + s * direction[n] for n, p in parameters.items()}) for s in (1e-6, -1e-6))
        slope = sum((gradients[name] * direction[name]).sum() for name in parameters)
    torch.testing.assert_close((high - low) / 2e-6, slope, rtol=1e-5, atol=1e-9)


def test_a_later_loss_depends_on_earlier_steps(which):
    """Through the weights and the memory: backpropagation through time, until the unroll's end."""
    factored = which == "learned_factored"
    parameters = {name: p.requires_grad_() for name, p in random_rule(which).items()}
    task = episodes.draw_episode(LETTERS, 5, 0, replicas=2, steps=3, factored=factored)
    optimizee = episodes.Optimizee(task, factored)
    optimizee.update(parameters)
    assert all(w.requires_grad for w in optimizee.network.weights)
    optimizee.detach()
    assert not any(w.requires_grad for w in optimizee.network.weights)
    assert not any(m.requires_grad for layer in optimizee.layers for m in [*optimizee.memory, *layer.tensors()])


def test_episodes_differ_and_are_drawn_anew_by_their_number():
    one, same, other = (episodes.draw_episode(LETTERS, 0, i, replicas=2, steps=3, factored=True) for i in (4, 4, 5))
    assert torch.equal(one.images, same.images)
    assert torch.equal(one.network.weights[0], same.network.weights[0])
    assert not torch.equal(one.images, other.images)
    assert not torch.equal(one.network.weights[0], other.network.weights[0])


def test_a_killed_run_goes_on_with_the_same_bits(which, tmp_path, monkeypatch, capsys):
    settings = MetaTrainingSettings(which, **TINY)
    trainer_module.meta_train(settings, tmp_path / "whole.safetensors", tmp_path / "whole")
    run_episode, calls = MetaTrainer.run_episode, []

    def killed(trainer):
        calls.append(trainer.episode)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return run_episode(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(MetaTrainer, "run_episode", killed)
        with pytest.raises(KeyboardInterrupt):
            trainer_module.meta_train(settings, tmp_path / "cut.safetensors", tmp_path / "cut")
    assert not (tmp_path / "cut.safetensors").exists()
    trainer_module.meta_train(settings, tmp_path / "cut.safetensors", tmp_path / "cut")
    assert "resumed at meta-step 4" in capsys.readouterr().out
    states = [checkpoint.load(tmp_path / name, torch.device("cpu"))[1] for name in ("whole", "cut")]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())
    shapes = {name.removeprefix("rule/"): tuple(t.shape) for name, t in states[0].items() if name.startswith("rule/")}
    assert rule_file.read(which, str(tmp_path / "cut.safetensors"), shapes, torch.zeros(())).keys() == shapes.keys()
    cost = rule_file.read_meta_cost(tmp_path / "cut.safetensors")
    assert cost["meta_steps"] == 6
    assert cost["optimizee_updates"] == 6 * 4 * 2


def command(monkeypatch, capsys, *arguments):
    """The status and the one line of a refusal."""
    monkeypatch.setattr(sys, "argv", ["meta_train", *arguments])
    with pytest.raises(SystemExit) as end:
        meta_train.main()
    return end.value.code, capsys.readouterr().err.strip()


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["which=lerned"], ["which=lerned", "did you mean learned?"]),
        (["which=learned", "steps=0"], ["steps=0", "at least 1"]),
        (["which=learned", "rate=nan"], ["rate=nan", "finite"]),
    ],
)
def test_mistakes_get_one_sentence(monkeypatch, capsys, arguments, parts):
    status, text = command(monkeypatch, capsys, *arguments)
    assert status == 2
    assert text.startswith("letterocr: ")
    one_sentence(ValueError(text), *parts)


def test_checkpoints_of_other_settings_are_refused(monkeypatch, capsys, tmp_path):
    trainer = MetaTrainer(MetaTrainingSettings("learned", **TINY), LETTERS)
    checkpoint.save(tmp_path / "a.checkpoints", 0, trainer.state(), trainer.facts())
    status, text = command(monkeypatch, capsys, "which=learned", "letters=1", f"output={tmp_path / 'a.safetensors'}")
    assert status == 2
    one_sentence(ValueError(text), "a.checkpoints", "other settings")

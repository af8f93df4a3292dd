"""The files of learned rules: what ships, what it cost, and one sentence for each that can't be used."""

import hashlib
import subprocess

import pytest
import torch
from helpers import one_sentence
from rules import COST, SHAPES, random_rule, write_rule
from safetensors.torch import save_file

from letterocr.base.errors import UserError
from letterocr.optimizers.learned import rule_file

LIKE = torch.zeros((), dtype=torch.float64)


@pytest.fixture(params=list(SHAPES))
def which(request):
    return request.param


def test_what_is_written_is_read(which, tmp_path):
    path = write_rule(tmp_path / "rule.safetensors", which)
    read = rule_file.read(which, path, SHAPES[which], LIKE)
    written = random_rule(which)
    assert read.keys() == written.keys()
    assert all(torch.equal(read[name], written[name].double()) for name in read)
    assert rule_file.read_meta_cost(path) == COST


def test_the_shipped_files_are_small_and_say_what_they_cost(which):
    path = rule_file.locate_shipped(which)
    assert path.stat().st_size < 1_000_000
    assert rule_file.read(which, None, SHAPES[which], LIKE).keys() == SHAPES[which].keys()
    assert all(cost > 0 for cost in rule_file.read_meta_cost(path).values())


def test_a_missing_file_is_refused(which, tmp_path):
    with pytest.raises(UserError) as error:
        rule_file.read(which, str(tmp_path / "none.safetensors"), SHAPES[which], LIKE)
    one_sentence(error.value, "optimizer.path=", "none.safetensors", "no such file")


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "folder"])
def test_a_damaged_file_is_refused(which, damage, tmp_path):
    path = tmp_path / "rule.safetensors"
    write_rule(path, which)
    if damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        whole = path.read_bytes()
        path.write_bytes({"empty": b"", "text": b"not a rule\n" * 9, "cut": whole[: len(whole) // 2]}[damage])
    for call in (lambda: rule_file.read(which, str(path), SHAPES[which], LIKE), lambda: rule_file.read_meta_cost(path)):
        with pytest.raises(UserError) as error:
            call()
        one_sentence(error.value, "rule.safetensors", "can't be read")


def test_the_other_rules_file_is_refused(which, tmp_path):
    (other,) = SHAPES.keys() - {which}
    path = write_rule(tmp_path / "rule.safetensors", other)
    with pytest.raises(UserError) as error:
        rule_file.read(which, path, SHAPES[which], LIKE)
    one_sentence(error.value, f"optimizer={which} ", f"it holds {other}")


def test_tensors_of_another_shape_are_refused(which, tmp_path):
    parameters = random_rule(which)
    name = next(iter(parameters))
    parameters[name] = parameters[name][:-1]
    rule_file.write(tmp_path / "rule.safetensors", parameters, {"which": which})
    with pytest.raises(UserError) as error:
        rule_file.read(which, str(tmp_path / "rule.safetensors"), SHAPES[which], LIKE)
    one_sentence(error.value, "rule.safetensors", f"letterocr meta_train which={which}")


def test_numbers_that_are_not_finite_are_refused(which, tmp_path):
    parameters = random_rule(which)
    next(iter(parameters.values()))[0, 0] = torch.nan
    rule_file.write(tmp_path / "rule.safetensors", parameters, {"which": which})
    with pytest.raises(UserError) as error:
        rule_file.read(which, str(tmp_path / "rule.safetensors"), SHAPES[which], LIKE)
    one_sentence(error.value, "rule.safetensors", "not finite")


def test_a_file_that_does_not_say_its_cost(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(UserError) as error:
        rule_file.read_meta_cost(tmp_path / "foreign.safetensors")
    one_sentence(error.value, "foreign.safetensors", "does not say")


def test_git_tracks_the_shipped_files(which):
    """So that the wheel holds them: hatchling takes what git does not ignore."""
    path = rule_file.locate_shipped(which)
    ignored = subprocess.run(["git", "check-ignore", "-q", path], cwd=path.parent, check=False)
    assert ignored.returncode != 0
    assert len(hashlib.sha256(path.read_bytes()).hexdigest()) == 64

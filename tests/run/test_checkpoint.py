"""Checkpoints come back to the bit, and a damaged one is passed over."""

import json
from pathlib import Path

import pytest
import torch

from letterocr.run import checkpoint

CPU = torch.device("cpu")


def tensors_of(sample: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(sample)
    return {
        "weight.0": torch.randn(2, 3, 4, generator=generator),
        "test_first.0": torch.randn(5, 3, generator=generator, dtype=torch.float64),
        "count": torch.tensor([sample]),
    }


def write(folder: Path, *samples: int) -> None:
    for sample in samples:
        checkpoint.save(folder, sample, tensors_of(sample), {"seconds": sample / 8, "diverged": {}})


def newest(folder: Path, suffix: str) -> Path:
    return sorted(folder.glob(f"*{suffix}"))[-1]


def assert_loads(folder: Path, sample: int, damaged: int) -> list[str]:
    facts, tensors, sentences = checkpoint.load(folder, CPU)
    assert facts["sample"] == sample
    assert facts["seconds"] == sample / 8
    assert tensors.keys() == tensors_of(sample).keys()
    for name, tensor in tensors_of(sample).items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)
    assert len(sentences) == damaged
    return sentences


def test_the_newest_comes_back_to_the_bit(tmp_path):
    write(tmp_path, 5, 100, 20_000)
    assert_loads(tmp_path, 20_000, damaged=0)


def test_the_newest_is_the_one_with_most_samples_not_the_last_by_name(tmp_path):
    write(tmp_path, 9, 10)
    assert_loads(tmp_path, 10, damaged=0)


def test_two_are_kept(tmp_path):
    write(tmp_path, 1, 2, 3, 4)
    assert sorted(int(p.stem) for p in tmp_path.glob("*.safetensors")) == [3, 4]
    assert len(list(tmp_path.iterdir())) == 4


def test_views_and_transposed_tensors_can_be_stored(tmp_path):
    whole = torch.arange(12.0).view(3, 4)
    checkpoint.save(tmp_path, 1, {"row": whole[1], "turned": whole.mT}, {})
    tensors = checkpoint.load(tmp_path, CPU)[1]
    assert tensors["row"].tolist() == [4, 5, 6, 7]
    assert tensors["turned"].tolist() == whole.mT.tolist()


def test_large_tensors_are_written_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "PIECE_BYTES", 100)
    strided = torch.arange(7 * 60.0).view(7, 60)[:, :11]  # 44 bytes a row
    tensors = {"strided": strided, "number": torch.tensor(2.5), "empty": torch.zeros(0, 3), "mask": torch.ones(5) > 0}
    checkpoint.save(tmp_path, 1, tensors, {})
    loaded = checkpoint.load(tmp_path, CPU)[1]
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_one_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def write_a_list(path: Path) -> None:
    path.write_text("[1, 2]")


@pytest.mark.parametrize("damage", [truncate, flip_one_bit, empty, Path.unlink], ids=lambda f: f.__name__)
def test_damaged_tensors_are_passed_over_with_a_sentence(tmp_path, damage):
    write(tmp_path, 10, 20)
    damage(newest(tmp_path, ".safetensors"))
    (sentence,) = assert_loads(tmp_path, 10, damaged=1)
    assert "000000000020 is damaged" in sentence
    assert sentence.endswith("the one before it is used.")


@pytest.mark.parametrize("damage", [truncate, empty, write_a_list], ids=lambda f: f.__name__)
def test_a_damaged_json_is_passed_over_with_a_sentence(tmp_path, damage):
    write(tmp_path, 10, 20)
    damage(newest(tmp_path, ".json"))
    (sentence,) = assert_loads(tmp_path, 10, damaged=1)
    assert "000000000020 is damaged" in sentence


def test_tensors_without_json_were_never_finished(tmp_path):
    write(tmp_path, 10, 20)
    newest(tmp_path, ".json").unlink()
    assert_loads(tmp_path, 10, damaged=0)


def test_left_over_temporary_files_are_no_checkpoints(tmp_path):
    write(tmp_path, 10)
    (tmp_path / ".000000000020.safetensors.4711.tmp").write_bytes(b"half")
    (tmp_path / ".000000000020.json.4711.tmp").write_text("{")
    assert_loads(tmp_path, 10, damaged=0)


def test_tensors_of_another_checkpoint_are_refused(tmp_path):
    write(tmp_path, 10, 20)
    older, newer = sorted(tmp_path.glob("*.safetensors"))
    newer.write_bytes(older.read_bytes())
    assert_loads(tmp_path, 10, damaged=1)


@pytest.mark.parametrize("count", [0, 2])
def test_without_a_whole_checkpoint_there_is_none(tmp_path, count):
    write(tmp_path, *range(1, count + 1))
    for path in tmp_path.glob("*.safetensors"):
        truncate(path)
    with pytest.raises(FileNotFoundError):
        checkpoint.load(tmp_path, CPU)


def test_the_json_tells_the_sample_and_the_facts(tmp_path):
    write(tmp_path, 8)
    facts = json.loads(newest(tmp_path, ".json").read_text())
    assert (facts["sample"], facts["seconds"], facts["diverged"]) == (8, 1.0, {})


def test_a_failed_save_leaves_the_one_before(tmp_path, monkeypatch):
    write(tmp_path, 10)

    def disk_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", disk_full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, 20)
    monkeypatch.undo()
    assert_loads(tmp_path, 10, damaged=0)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_one_that_the_run_went_back_past_gives_its_place_up(tmp_path):
    """The run went on from 10 because 20 was damaged: of its later ones two are kept, in case 14 is damaged too."""
    write(tmp_path, 10, 20)
    truncate(newest(tmp_path, ".safetensors"))
    write(tmp_path, 12, 14)
    truncate(tmp_path / "000000000014.safetensors")
    assert_loads(tmp_path, 12, damaged=1)


def test_tensors_that_were_never_finished_are_removed_in_the_end(tmp_path):
    write(tmp_path, 10, 20)
    newest(tmp_path, ".json").unlink()
    write(tmp_path, 22, 24)
    assert sorted(int(p.stem) for p in tmp_path.glob("*.safetensors")) == [22, 24]

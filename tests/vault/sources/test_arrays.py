"""Arrays in .npz and .safetensors: both parts, read by the libraries of the formats, are the original."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import UsageProblem
from seatrial.vault.sources import arrays as shared
from seatrial.vault.sources import rows as reading
from seatrial.vault.sources import source_of
from seatrial.vault.sources.npz import NpzSource
from seatrial.vault.sources.rows import gather, picked
from seatrial.vault.sources.safetensors import SafetensorsSource

RNG = np.random.default_rng(0)
N = 300
CHOSEN = RNG.random(N) < 0.3
ARRAYS = {
    "x": RNG.normal(size=(N, 3, 8, 9)).astype(np.float32),
    "y": RNG.integers(0, 5, N),
    "empty": np.zeros((N, 0), np.int16),
    "rate": np.array(0.5),
}
ONLY_NUMPY = {
    "text": np.array([f"número {number}" for number in range(N)]),
    "when": np.arange(N).astype("M8[s]"),
    "big": np.arange(N, dtype=">i4"),
    "record": np.zeros(N, [("a", "i2"), ("b", "f4", 3)]),
}


def same(found: Any, expected: dict[str, np.ndarray[Any, Any]], chosen: np.ndarray[Any, Any]) -> None:
    assert set(found) == set(expected)
    for name, array in expected.items():
        rows = array[chosen] if array.ndim else array
        assert found[name].dtype == array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found[name], rows)


@pytest.mark.parametrize("compressed", [False, True])
def test_npz(tmp_path: Path, opened: Any, compressed: bool) -> None:
    arrays = {**ARRAYS, **ONLY_NUMPY}
    if not compressed:
        arrays["fortran"] = np.asfortranarray(RNG.normal(size=(N, 3, 4)))
    (np.savez_compressed if compressed else np.savez)(tmp_path / "a.npz", **arrays)
    source = source_of(tmp_path / "a.npz")
    assert (len(source), source.form.target, source.suffix) == (N, "y", ".npz")
    with patch.object(shared, "SHARD_BYTES", 100_000):
        files = [bytes(content) for _, content in source.shards(CHOSEN)]
        assert files == [bytes(content) for _, content in source.shards(CHOSEN)]
        part = opened(source, CHOSEN)
    assert len(files) > 1
    same({**part.inputs, "y": part.targets}, arrays, CHOSEN)
    assert part.examples == CHOSEN.sum()
    with np.load(io.BytesIO(files[0])) as first:
        np.testing.assert_array_equal(first["x"], arrays["x"][CHOSEN][: len(first["x"])])
    source.write(~CHOSEN, tmp_path / "training.npz")
    with np.load(tmp_path / "training.npz") as training:
        assert training["big"].dtype == ">i4"
        same({name: array.astype(array.dtype.newbyteorder("=")) for name, array in training.items()}, arrays, ~CHOSEN)
    source.write(~CHOSEN, tmp_path / "again.npz")
    assert (tmp_path / "training.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    if compressed:
        assert (tmp_path / "training.npz").stat().st_size < arrays["text"].nbytes + arrays["x"].nbytes


def test_safetensors(tmp_path: Path, opened: Any) -> None:
    tensors = {name: torch.from_numpy(array) for name, array in ARRAYS.items()}
    tensors["half"] = torch.randn(N, 5).bfloat16()
    tensors["tiny"] = torch.randn(N, 3).to(torch.float8_e4m3fn)
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file(tensors, path, {"made": "here"})
    source = source_of(path)
    mask = torch.from_numpy(CHOSEN)

    def same_tensors(found: dict[str, torch.Tensor], chosen: torch.Tensor) -> None:
        assert set(found) == set(tensors)
        for name, tensor in tensors.items():
            rows = tensor.float()[chosen] if tensor.ndim else tensor.float()
            assert found[name].dtype == tensor.dtype
            assert torch.equal(found[name].float(), rows)

    with patch.object(shared, "SHARD_BYTES", 1 << 26):
        ((_, content),) = source.shards(CHOSEN)
    same_tensors(safetensors.torch.load(bytes(content)), mask)
    source.write(~CHOSEN, tmp_path / "training.safetensors")
    same_tensors(safetensors.torch.load_file(tmp_path / "training.safetensors"), ~mask)
    with safetensors.safe_open(tmp_path / "training.safetensors", "np") as training:
        assert training.metadata() == {"made": "here"}
    part = opened(source, CHOSEN)
    same({name: part.inputs[name] for name in ("x", "empty", "rate")} | {"y": part.targets}, ARRAYS, CHOSEN)
    np.testing.assert_array_equal(part.inputs["half"], tensors["half"][mask].float().numpy())
    np.testing.assert_array_equal(part.inputs["tiny"], tensors["tiny"][mask].float().numpy())


@given(
    st.lists(st.booleans(), min_size=1, max_size=60),
    st.integers(1, 9),
    st.sampled_from([1, 8, 1 << 20]),
    st.sampled_from([1, 30, 1 << 20]),
)
def test_chosen_rows_are_gathered(choice: list[bool], most: int, short: int, window: int) -> None:
    table = np.arange(len(choice) * 5, dtype=np.uint8).reshape(len(choice), 5)
    file = io.BytesIO(b"head" + table.tobytes())
    chosen = np.array(choice)
    found = []
    with (
        patch.object(reading, "_SHORT", short),
        patch.object(reading, "_WINDOW", window),
        patch.object(reading, "_MOST_PICKED", 7),
    ):
        for numbers in picked(chosen, most):
            assert 1 <= len(numbers) <= most
            found.append(np.empty((len(numbers), 5), np.uint8))
            gather(reading.ContiguousRows(file, 4), numbers, found[-1])
    np.testing.assert_array_equal(np.concatenate([np.empty((0, 5), np.uint8), *found]), table[chosen])


@pytest.mark.parametrize("kind", ["npz", "safetensors"])
def test_blocks(tmp_path: Path, kind: str) -> None:
    arrays = {
        "x": RNG.integers(0, 255, (40, 10, 12, 3), np.uint8),
        "extra": RNG.normal(size=(40, 2)).astype(np.float32),
        "y": np.arange(40),
    }
    arrays["x"][7], arrays["extra"][7] = arrays["x"][3], arrays["extra"][3]
    arrays["x"][9] = arrays["x"][3]
    path = tmp_path / f"a.{kind}"
    np.savez(path, **arrays) if kind == "npz" else safetensors.numpy.save_file(arrays, path)
    with patch.object(shared, "_BLOCK_BYTES", 5000):
        blocks = list(source_of(path).blocks())
    assert len(blocks) > 1
    digests = np.concatenate([block.digests for block in blocks])
    assert digests[7] == digests[3] != digests[9]
    assert len(set(digests.tolist())) == 39
    np.testing.assert_array_equal(np.concatenate([block.images for block in blocks]), arrays["x"].astype(np.float32))
    flat = [arrays[name].reshape(40, -1) for name in (("x", "extra") if kind == "npz" else ("extra", "x"))]
    np.testing.assert_array_equal(np.concatenate([block.numbers for block in blocks]), np.concatenate(flat, axis=1))


def test_wide_arrays_and_large_pictures_are_brought_to_means(tmp_path: Path) -> None:
    x = RNG.normal(size=(3, 100, 130)).astype(np.float32)
    np.savez(tmp_path / "a.npz", x=x)
    (block,) = source_of(tmp_path / "a.npz").blocks()
    assert block.numbers is not None
    assert block.images is not None
    wide = x.reshape(3, -1)
    np.testing.assert_allclose(
        block.numbers[:, :3], [row[:12].reshape(3, 4).mean(axis=1) for row in wide], rtol=1e-5, atol=1e-6
    )
    assert block.numbers.shape == (3, 13000 // 4)
    assert block.images.shape == (3, 33, 43)
    np.testing.assert_allclose(block.images[1, 2, 3], x[1, 6:9, 9:12].mean(), rtol=1e-5)


@pytest.mark.parametrize(
    ("arrays", "slug", "said"),
    [
        ({"x": np.zeros((4, 2)), "names": np.zeros(3)}, "other-lengths", "x (4, 2), names (3,)"),
        ({"x": np.zeros((0, 2))}, "empty-data", "x (0, 2)"),
        ({"k": np.array(1)}, "empty-data", "no array with rows"),
        ({}, "empty-data", "no array with rows"),
    ],
)
@pytest.mark.parametrize("kind", ["npz", "safetensors"])
def test_arrays_without_examples_are_refused(
    tmp_path: Path, kind: str, arrays: dict[str, Any], slug: str, said: str
) -> None:
    path = tmp_path / f"a.{kind}"
    np.savez(path, **arrays) if kind == "npz" else safetensors.numpy.save_file(
        dict(sorted(arrays.items(), reverse=True)), path
    )
    with pytest.raises(UsageProblem) as refusal:
        source_of(path)
    assert refusal.value.slug == slug
    assert all(word in refusal.value.message for word in said.split(", "))


def test_arrays_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", x=np.array([{}], object))
    with pytest.raises(UsageProblem, match=r"Python objects in x.*objects-in-array"):
        NpzSource(tmp_path / "objects.npz")
    np.savez_compressed(tmp_path / "fortran.npz", x=np.asfortranarray(np.zeros((4, 3))))
    with pytest.raises(UsageProblem, match=r"compressed array x.*ascontiguousarray.*fortran-order"):
        NpzSource(tmp_path / "fortran.npz")


def test_columns(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 2)), who=np.array(["a", "b", "a", "c"]), one=np.arange(4)[:, None])
    source = NpzSource(tmp_path / "a.npz")
    assert source.form.target is None
    assert source.column("who").tolist() == ["a", "b", "a", "c"]
    assert source.column("one").tolist() == [0, 1, 2, 3]
    with pytest.raises(UsageProblem, match=r"the array x of shape \(4, 2\).*no-column"):
        source.column("x")
    with pytest.raises(UsageProblem, match=r"a name among x, who, one, found 'z'.*no-such-array"):
        source.column("z")
    with pytest.raises(UsageProblem, match="no-such-array"):
        NpzSource(tmp_path / "a.npz", "z")


@pytest.mark.parametrize("kind", ["npz", "compressed.npz", "safetensors"])
def test_files_cut_anywhere_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    arrays = {"x": RNG.normal(size=(50, 4)), "y": np.arange(50)}
    if kind == "safetensors":
        safetensors.numpy.save_file(arrays, path)
    else:
        (np.savez if kind == "npz" else np.savez_compressed)(path, **arrays)
    whole = path.read_bytes()
    for cut in range(16, len(whole) - 1, 97):
        path.write_bytes(whole[:cut])
        with pytest.raises(UsageProblem, match="damaged-data"):
            (SafetensorsSource if kind == "safetensors" else NpzSource)(path)


def test_compressed_bytes_that_are_damaged_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=RNG.normal(size=(5000, 4)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UsageProblem, match="damaged-data"):
        list(NpzSource(path).shards(np.ones(5000, np.bool_)))


@pytest.mark.parametrize("kind", ["npz", "safetensors"])
def test_arrays_larger_than_what_may_be_in_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    arrays = {"x": np.zeros((60_000, 300), np.float32), "y": np.zeros(60_000)}
    np.savez(path, **arrays) if kind == "npz" else safetensors.numpy.save_file(arrays, path)
    del arrays
    source, chosen = source_of(path), np.arange(60_000) % 3 == 0
    tracemalloc.start()
    with patch.object(shared, "SHARD_BYTES", 1 << 20):
        sealed = sum(len(content) for _, content in source.shards(chosen))
        source.write(~chosen, tmp_path / "training")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sealed + (tmp_path / "training").stat().st_size > path.stat().st_size > 64 << 20
    assert peak < 12 << 20


@pytest.mark.parametrize(
    "header",
    [
        b"{",
        b"{}[]",
        b'{"x": 1}',
        b'{"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}',
    ],
)
def test_headers_that_are_wrong_are_refused(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(UsageProblem, match="damaged-data"):
        SafetensorsSource(path)


def test_types_that_are_unknown_are_named(tmp_path: Path) -> None:
    header = b'{"x": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}'
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(1))
    with pytest.raises(UsageProblem, match=r"BF16.*found F4 in x.*unknown-type"):
        SafetensorsSource(path)

"""The protocols promise only what h5py has, and groups are told from data sets."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from tandem_em.core import hdf5_types


@pytest.fixture
def file(tmp_path: Path):
    with h5py.File(tmp_path / "some.h5", "w") as file:
        file.create_dataset("group/data", data=[1, 2, 3], chunks=(2,), maxshape=(None,))
        file.attrs["name"] = "some"
        yield file


def promised(protocol: type) -> set[str]:
    """Names a protocol asks for, those it inherits included."""
    ours = [each for each in protocol.__mro__ if each.__module__ == hdf5_types.__name__]
    return {
        name
        for each in ours
        for name in vars(each)
        if not name.startswith("_") or (name.startswith("__") and name in dir(list) and name != "__init__")
    }


@pytest.mark.parametrize(
    ("protocol", "pick"),
    [
        (hdf5_types.H5File, lambda file: file),
        (hdf5_types.H5Group, lambda file: file["group"]),
        (hdf5_types.H5Dataset, lambda file: file["group/data"]),
        (hdf5_types.H5Attributes, lambda file: file.attrs),
        (hdf5_types.H5GroupId, lambda file: file["group"].id),
        (hdf5_types.H5DatasetId, lambda file: file["group/data"].id),
    ],
)
def test_what_a_protocol_promises_h5py_has(file, protocol: type, pick) -> None:
    it = pick(file)
    wanted = promised(protocol)
    assert len(wanted) > 2
    assert [name for name in sorted(wanted) if not hasattr(it, name)] == []


def test_groups_are_told_from_data_sets(file) -> None:
    assert hdf5_types.is_group(file)
    assert hdf5_types.is_group(file["group"])
    assert not hdf5_types.is_group(file["group/data"])

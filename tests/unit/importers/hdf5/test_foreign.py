"""HDF5 and Zarr from strangers: nothing is followed out of the file, nothing is unpacked, frames come straight from disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from microscope_reading import map_in, opened, stack_in
from places import DATA

from tandem_em.core.notices import UserError
from tandem_em.importers.core.sources import FramesAt, RawArray


def hspy(path: Path, data: np.ndarray, units: list[str], signal_type: str = "", **options: object) -> Path:
    with h5py.File(path, "w") as file:
        group = file.create_group("Experiments/thing")
        group.create_dataset("data", data=data, **options)
        for i, unit in enumerate(units):
            group.create_group(f"axis-{i}").attrs.update(
                size=data.shape[i], scale=0.5, offset=1.0, units=unit, name="", navigate=False
            )
        group.create_group("metadata/Signal").attrs["signal_type"] = signal_type
    return path


def test_an_external_link_is_refused(tmp_path: Path) -> None:
    path = hspy(tmp_path / "a.hspy", np.zeros((2, 3, 4)), ["s", "nm", "nm"])
    with h5py.File(path, "a") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(UserError, match="link out"):
        opened(path)


def test_external_and_virtual_numbers_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(range(64)))
    outside = tmp_path / "outside.h5"
    with h5py.File(outside, "w") as file:
        file.create_dataset("data", (8, 8), "u1", external=[(str(secret), 0, 64)])
    with pytest.raises(UserError, match="another file"):
        opened(outside)
    virtual = tmp_path / "virtual.h5"
    layout = h5py.VirtualLayout((2, 8, 8), "u1")
    layout[0] = h5py.VirtualSource(str(outside), "data", (8, 8))
    with h5py.File(virtual, "w") as file:
        file.create_virtual_dataset("data", layout)
    with pytest.raises(UserError, match="another file"):
        opened(virtual)


def test_circles_of_links_end(tmp_path: Path) -> None:
    path = hspy(tmp_path / "a.hspy", np.zeros((2, 3, 4)), ["s", "nm", "nm"])
    with h5py.File(path, "a") as file:
        file["Experiments/loop"] = file["/"]
        file["soft"] = h5py.SoftLink("/soft")
    assert stack_in(path).shape == (2, 3, 4)


def test_python_objects_are_refused() -> None:
    with pytest.raises(UserError, match="not opened, for safety"):
        opened(DATA / "eels/example_object_dtype_data.emd")


def test_old_hyperspy_files_open() -> None:
    spectrum = map_in(DATA / "eels/example1_v1.0.hdf5")
    assert spectrum.shape == (1, 1, 21)
    assert spectrum.energy_eV[[0, 1]] == pytest.approx([520.13, 523.23])
    assert (spectrum.beam_kV, spectrum.collection_mrad) == (120.0, 3.4)


def test_pyeelsmodel_files_open() -> None:
    spectrum = map_in(DATA / "eels/ce3_edge.hdf5")
    assert spectrum.shape == (1, 1, 4096)
    assert spectrum.energy_eV[[0, 1]] == pytest.approx([860.0, 860.05])


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, RawArray),
        ({"chunks": (1, 6, 7)}, FramesAt),
        ({"chunks": (1, 6, 7), "compression": "gzip"}, object),
    ],
)
def test_frames_are_the_same_however_they_are_stored(
    tmp_path: Path, options: dict[str, object], kind: type
) -> None:
    data = np.random.default_rng(1).integers(0, 60000, (5, 6, 7)).astype(">u2")
    stack = stack_in(hspy(tmp_path / "a.hspy", data, ["ms", "µm", "µm"], **options))
    assert isinstance(stack.source, kind)
    assert stack.times == pytest.approx([0.001, 0.0015, 0.002, 0.0025, 0.003])
    assert stack.pixel_nm == pytest.approx(500.0)
    assert stack.source.dtype == np.dtype("u2")
    for index in (
        0,
        -1,
        (2, 3),
        (slice(1, 4), slice(None), 2),
        (4, slice(0, 2), slice(1, 3)),
        slice(0, 5, 2),
    ):
        assert np.array_equal(stack.source.read(index), data[index])
    with pytest.raises(IndexError):
        stack.frame(5)


def test_kev_energies_and_time_series_of_spectra(tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.float32).reshape(4, 6)
    series = map_in(hspy(tmp_path / "a.hspy", data, ["s", "keV"], "EELS"))
    assert series.axis0 == "time"
    assert series.shape == (4, 1, 6)
    assert series.energy_eV == pytest.approx(1000 + 500.0 * np.arange(6))
    assert np.array_equal(series.source.read((2, 0)), data[2])


def test_a_series_of_maps_becomes_several(tmp_path: Path) -> None:
    data = np.arange(3 * 4 * 5 * 6, dtype=np.float32).reshape(3, 4, 5, 6)
    imported = opened(hspy(tmp_path / "a.hspy", data, ["", "nm", "nm", "eV"], "EELS"))
    assert [item.shape for item in imported.items] == [(4, 5, 6)] * 3  # type: ignore[attr-defined]
    assert np.array_equal(imported.items[2].source.read((1, slice(2, 4))), data[2, 1, 2:4])  # type: ignore[attr-defined]


def test_nexus_of_others_with_true_times(tmp_path: Path) -> None:
    path = tmp_path / "film.nxs"
    times = np.array([0.0, 0.1, 0.2, 0.5, 0.6])
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["start_time"] = "2024-05-06T07:08:09+02:00"
        data = entry.create_group("movie")
        data.attrs.update(NX_class="NXdata", signal="counts", axes=["time", "y", "x"])
        data["counts"] = np.ones((5, 6, 7), np.uint16)
        data["time"], data["x"], data["y"] = times, np.arange(7) * 0.2, np.arange(6) * 0.2
        data["time"].attrs["units"] = "s"
        data["x"].attrs["units"] = data["y"].attrs["units"] = "nm"
    imported = opened(path)
    stack = imported.items[0]
    assert stack.times == pytest.approx(times)  # type: ignore[attr-defined]
    assert stack.times_from == "file"  # type: ignore[attr-defined]
    assert stack.pixel_nm == pytest.approx(0.2)  # type: ignore[attr-defined]
    assert stack.clock.start_iso.startswith("2024-05-06T07:08:09")  # type: ignore[attr-defined]
    assert any("dropped" in problem for problem in imported.problems)


def test_dm5_is_read_like_dm4(tmp_path: Path) -> None:
    path = tmp_path / "image.dm5"
    with h5py.File(path, "w") as file:
        image = file.create_group("ImageList/[0]")
        image.attrs["Name"] = "map"
        data = image.create_group("ImageData")
        data["Data"] = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
        for number, (scale, unit) in enumerate(((2.0, "nm"), (2.0, "nm"), (0.5, "eV"))):
            data.create_group(f"Calibrations/Dimension/[{number}]").attrs.update(
                Scale=scale, Origin=-20.0, Units=unit
            )
        image.create_group("ImageTags/Meta Data").attrs.update(Signal="EELS", Format="Spectrum image")
    spectra = map_in(path)
    assert spectra.shape == (3, 2, 4)
    assert spectra.energy_eV == pytest.approx([10.0, 10.5, 11.0, 11.5])
    assert spectra.name == "map"


def test_our_own_sessions_are_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "session.nxs"
    with h5py.File(path, "w") as file:
        file.attrs["creator"] = "tandem"
    with pytest.raises(UserError, match="TandEM session"):
        opened(path)


def test_an_empty_promise_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hole.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", (4, 30000, 30000), "f4", chunks=(1, 300, 300), compression="gzip")
    with pytest.raises(UserError, match="claims"):
        opened(path)


@pytest.fixture
def zarr_ends() -> Iterator[None]:
    """Zarr keeps a thread of its own until told not to."""
    yield
    from zarr.core.sync import cleanup_resources

    cleanup_resources()


def zspy(path: Path, data: np.ndarray) -> Path:
    import zarr

    root = zarr.open_group(path, mode="w", zarr_format=2)
    group = root.create_group("Experiments/scan")
    group.create_array("data", data=data, chunks=(1, *data.shape[1:]))
    for i, (unit, step) in enumerate((("s", 0.5), ("nm", 0.1), ("nm", 0.1))):
        group.create_group(f"axis-{i}").attrs.update(
            {"units": unit, "scale": step, "offset": 0.0, "name": ""}
        )
    group.create_group("metadata/Signal").attrs.update({"signal_type": ""})
    return path


def test_zspy_directories_open_lazily(tmp_path: Path, zarr_ends: None) -> None:
    data = np.random.default_rng(2).normal(size=(4, 5, 6)).astype(np.float32)
    stack = stack_in(zspy(tmp_path / "movie.zspy", data))
    assert np.array_equal(stack.frame(3), data[3])
    assert stack.times == pytest.approx([0.0, 0.5, 1.0, 1.5])
    assert stack.pixel_nm == pytest.approx(0.1)


def test_a_pickling_zarr_is_refused(tmp_path: Path, zarr_ends: None) -> None:
    path = zspy(tmp_path / "evil.zspy", np.zeros((2, 3, 4), np.float32))
    meta = path / "Experiments/scan/data/.zarray"
    tree = json.loads(meta.read_text())
    tree["dtype"], tree["filters"], tree["fill_value"] = "|O", [{"id": "pickle", "protocol": 5}], None
    meta.write_text(json.dumps(tree))
    with pytest.raises(UserError):
        opened(path)


def test_a_plain_file_with_nion_calibrations(tmp_path: Path) -> None:
    path = tmp_path / "swift.h5"
    calibrations = [{"units": "nm", "scale": 0.5, "offset": 0}] * 2 + [
        {"units": "eV", "scale": 0.1, "offset": -5}
    ]
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", data=np.ones((3, 4, 100), np.float32))
        data.attrs["properties"] = json.dumps({"dimensional_calibrations": calibrations})
    spectra = map_in(path)
    assert spectra.shape == (3, 4, 100)
    assert spectra.energy_eV[0] == pytest.approx(-5.0)
    assert spectra.pixel_nm == (0.5, 0.5)


def test_unknown_filters_are_named(tmp_path: Path) -> None:
    hdf5plugin = pytest.importorskip("hdf5plugin")
    path = tmp_path / "blosc.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=np.ones((3, 40, 40), np.uint16), **hdf5plugin.Zstd())
    with pytest.raises(UserError, match="Zstandard"):
        opened(path)

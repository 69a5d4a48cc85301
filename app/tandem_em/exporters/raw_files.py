"""Streams as the files instruments write, so that importing can be tried: TIFF, MRC, EC-Lab text, CSV, .hspy."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.exporters.replacing import replacing
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.spectra import SpectrumImage


def write_movie_tif(path: Path, stack: FrameStack) -> Path:
    """A multi-page TIFF (ImageJ calibration), and beside it the companion log with the true frame times."""
    import tifffile

    pixel = stack.pixel_nm or 1.0
    # one at a time: a movie may be larger than the memory
    frames = (stack.frame(index) for index in range(len(stack)))
    step = float(np.median(np.diff(stack.times))) if len(stack) > 1 else 1.0
    with replacing(path) as temporary:
        tifffile.imwrite(
            temporary,
            frames,
            shape=stack.shape,
            dtype=stack.source.dtype,
            imagej=True,
            resolution=(1 / pixel, 1 / pixel),
            metadata={"axes": "TYX", "unit": "nm", "finterval": step, "fps": 1 / step},
        )
    write_frame_log(path.with_name(f"{path.stem}_times.csv"), stack)
    return path


def write_frame_log(path: Path, stack: FrameStack) -> Path:
    """Frame number and time (s of the camera's clock) of every frame."""
    numbers = stack.frame_numbers if stack.frame_numbers is not None else np.arange(len(stack))
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.write("frame,time (s)\r\n")
        file.writelines(f"{number},{time:.6f}\r\n" for number, time in zip(numbers, stack.times))
    return path


def write_movie_mrc(path: Path, stack: FrameStack) -> Path:
    """MRC 2014, one section a frame."""
    import mrcfile

    with (
        replacing(path) as temporary,
        mrcfile.new_mmap(temporary, stack.shape, mrc_mode=6, overwrite=True) as mrc,
    ):
        for index in range(len(stack)):
            mrc.data[index] = stack.frame(index)
        # Å
        mrc.voxel_size = 10 * (stack.pixel_nm or 0.1)
        mrc.update_header_stats()
    return path


def write_csv(path: Path, run: BiasRun) -> Path:
    """A plain table in SI units."""
    names = list(run.columns)
    columns = [run.times.view, *(run.values(name) for name in names)]
    heading = ",".join(["time (s)", *(f"{name} ({run.columns[name].unit})" for name in names)])
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(heading + "\r\n")
        for row in zip(*columns):
            file.write(",".join(f"{value:.9g}" for value in row) + "\r\n")
    return path


def write_mpt(path: Path, run: BiasRun) -> Path:
    """Text laid out like EC-Lab's, with mA, header lines, latin-1 and CRLF."""
    began = datetime.fromisoformat(run.clock.start_iso) if run.clock.start_iso else datetime(2026, 1, 1)
    began += timedelta(seconds=float(run.times.view[0]))
    header = [
        "EC-Lab ASCII FILE",
        "Nb header lines : 7",
        "",
        "Chronoamperometry",
        # EC-Lab writes milliseconds
        f"Acquisition started on : {began:%m/%d/%Y %H:%M:%S.%f}"[:-3],
        "Comments : simulated by the TandEM demo",
        "time/s\tEwe/V\tI/mA",
    ]
    # EC-Lab counts from its own start, which the header tells
    times = run.times.view - run.times.view[0]
    with replacing(path) as temporary, temporary.open("w", encoding="latin-1", newline="") as file:
        file.write("\r\n".join(header) + "\r\n")
        for t, v, i in zip(times, run.values("voltage"), run.values("current")):
            file.write(f"{t:.7E}\t{v:.7E}\t{1e3 * i:.7E}\r\n")
    return path


def write_hspy(path: Path, image: SpectrumImage) -> Path:
    """A spectrum image as HyperSpy keeps it, with microscope parameters."""
    from rsciio.hspy import file_writer

    energy = image.energy_eV
    pixel = image.pixel_nm or (1.0, 1.0)
    height, width, channels = image.shape
    axes: list[dict[str, Any]] = [
        _axis("y", height, pixel[1], 0.0, "nm", navigate=True),
        _axis("x", width, pixel[0], 0.0, "nm", navigate=True),
        _axis("Energy loss", channels, float(energy[1] - energy[0]), float(energy[0]), "eV", navigate=False),
    ]
    microscope = {
        "beam_energy": image.beam_kV,
        "convergence_angle": image.convergence_mrad,
        "Detector": {"EELS": {"collection_angle": image.collection_mrad, "dwell_time": image.dwell_s}},
    }
    signal = {
        "data": image.source.read(slice(None)),
        "axes": axes,
        "metadata": {
            "General": {"title": image.name, "notes": "simulated" if image.simulated else ""},
            "Signal": {"signal_type": "EELS"},
            "Acquisition_instrument": {"TEM": microscope},
        },
        "original_metadata": {},
        "learning_results": {},
        "models": {},
        "package_info": {"package": "TandEM", "package_version": ""},
        "tmp_parameters": {},
        "attributes": {"_lazy": False, "ragged": False},
    }
    with replacing(path) as temporary:
        file_writer(str(temporary), signal)
    return path


def _axis(name: str, size: int, scale: float, offset: float, units: str, *, navigate: bool) -> dict[str, Any]:
    return {
        "_type": "UniformDataAxis",
        "name": name,
        "size": size,
        "scale": scale,
        "offset": offset,
        "units": units,
        "navigate": navigate,
        "is_binned": False,
    }

"""A small file of each microscope format, written byte by byte or by the library that reads it back."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.numeric import AnyArray
from tandem_em.desk.selftest.sessions import START, movie, spectrum_image
from tandem_em.exporters import raw_files
from tandem_em.model.clock import Clock

SHAPE = (4, 240, 320)
"""Frames, rows, columns; more than 64 kB, so that a .dm3 keeps its pixels apart from its tags."""


def pixels() -> AnyArray:
    frames, rows, columns = np.indices(SHAPE)
    return (1000 * frames + rows + columns).astype(np.uint16)


# DigitalMicrograph: a tree of tags


def dm(folder: Path) -> Path:
    path = folder / "image.dm3"
    path.write_bytes(dm3(pixels()))
    return path


def dm3(data: AnyArray) -> bytes:
    """Numbers of two bytes as version 3 keeps them."""
    sizes = _group([("", _tag([5], struct.pack("<I", size))) for size in reversed(data.shape)])
    image = _group([
        ("Data", _tag([20, 4, data.size], data.astype("<u2").tobytes())),
        ("DataType", _tag([5], struct.pack("<I", 10))),
        ("Dimensions", sizes),
    ])  # fmt: skip
    root = _group([("ImageList", _group([("", _group([("ImageData", image)]))]))])
    return struct.pack(">III", 3, len(root) + 4, 1) + root[1:] + bytes(8)


def _group(entries: list[tuple[str, bytes]]) -> bytes:
    """Kind 20 in front, so that it can stand in a group itself; the entries' own kinds lead their bytes."""
    inside = b"".join(
        content[:1] + struct.pack(">H", len(name)) + name.encode() + content[1:] for name, content in entries
    )
    return b"\x14" + b"\x01\x00" + struct.pack(">I", len(entries)) + inside


def _tag(info: list[int], value: bytes) -> bytes:
    return b"\x15%%%%" + struct.pack(f">I{len(info)}I", len(info), *info) + value


# other formats that are a header and numbers


def msa(folder: Path) -> Path:
    rows = "".join(f"{100.0 + 0.5 * n:.1f}, {1000 - n}\r\n" for n in range(32))
    head = (
        "#FORMAT      : EMSA/MAS Spectral Data File\r\n#VERSION     : 1.0\r\n#TITLE       : check\r\n#NPOINTS     : 32\r\n"
        "#NCOLUMNS    : 1\r\n#XUNITS      : eV\r\n#YUNITS      : Counts\r\n#DATATYPE    : XY\r\n#XPERCHAN    : 0.5\r\n"
        "#OFFSET      : 100.0\r\n#SIGNALTYPE  : ELS\r\n#SPECTRUM    : Spectral Data Starts Here\r\n"
    )
    path = folder / "spectrum.msa"
    path.write_text(f"{head}{rows}#ENDOFDATA   :\r\n", encoding="ascii", newline="")
    return path


def tia(folder: Path) -> Path:
    """A series of images with their times."""
    data = pixels()
    count, rows, columns = data.shape
    head = struct.pack("<HHHIIII", 0x4949, 0x0197, 0x0210, 0x4122, 0x4152, count, count)
    dimension = struct.pack("<IddII", count, 0.0, 1.0, 0, 0) + struct.pack("<I", 0)
    table_at = len(head) + 8 + len(dimension)
    element = struct.pack("<ddIddIHII", 0.0, 1e-9, 0, 0.0, 1e-9, 0, 2, columns, rows)
    size = len(element) + rows * columns * 2
    first = table_at + 8 * count
    places = [first + n * (size + 8) for n in range(count)]
    tables = struct.pack(f"<{2 * count}I", *places, *(place + size for place in places))
    body = b"".join(
        element + frame.astype("<u2").tobytes() + struct.pack("<HHI", 0x4152, 0, 1_700_000_000 + n)
        for n, frame in enumerate(data)
    )
    path = folder / "image_1.ser"
    path.write_bytes(head + struct.pack("<II", table_at, 1) + dimension + tables + body)
    return path


def mib(folder: Path) -> Path:
    parts = []
    for number, frame in enumerate(pixels()):
        rows, columns = frame.shape
        stamp = f"2021-05-07 18:51:1{number}.000000"
        text = f"MQ1,{number + 1:06d},00384,01,{columns:04d},{rows:04d},U16,   1x1,01,{stamp},0.05,0,0,0"
        parts += [text.encode().ljust(384, b"\0"), frame.astype(">u2").tobytes()]
    path = folder / "film.mib"
    path.write_bytes(b"".join(parts))
    return path


def semper(folder: Path) -> Path:
    data = pixels()[0].astype("<i2")
    rows, columns = data.shape

    def record(content: bytes) -> bytes:
        length = struct.pack("<i", len(content))
        return length + content + length

    path = folder / "picture.unf"
    path.write_bytes(
        record(struct.pack("<6h", columns, rows, 1, 1, 1, 0)) + b"".join(record(r.tobytes()) for r in data)
    )
    return path


# formats that a library writes


def mrc(folder: Path) -> Path:
    return raw_files.write_movie_mrc(folder / "movie.mrc", movie(_clock()))


def tiff(folder: Path) -> Path:
    return raw_files.write_movie_tif(folder / "movie.tif", movie(_clock()))


def hdf5(folder: Path) -> Path:
    return raw_files.write_hspy(folder / "map.hspy", spectrum_image(_clock()))


def tvips(folder: Path) -> Path:
    from rsciio.tvips import file_writer

    signal = _signal(pixels(), ("s", "nm", "nm"))
    file_writer(str(folder / "film_000.tvips"), signal)
    return folder / "film_000.tvips"


def blo(folder: Path) -> Path:
    from rsciio.blockfile import file_writer

    scan = np.arange(2 * 3 * 16 * 16, dtype=np.uint8).reshape(2, 3, 16, 16)
    file_writer(str(folder / "scan.blo"), _signal(scan, ("nm", "nm", "cm", "cm")))
    return folder / "scan.blo"


def zspy(folder: Path) -> Path:
    import zarr

    path = folder / "movie.zspy"
    root = zarr.open_group(path, mode="w", zarr_format=2)
    group = root.create_group("Experiments/scan")
    group.create_array("data", data=pixels(), chunks=(1, *SHAPE[1:]))
    for number, (unit, step) in enumerate((("s", 0.5), ("nm", 0.1), ("nm", 0.1))):
        group.create_group(f"axis-{number}").attrs.update(
            {"units": unit, "scale": step, "offset": 0.0, "name": ""}
        )
    group.create_group("metadata/Signal").attrs.update({"signal_type": ""})
    return path


def ripple(folder: Path) -> Path:
    from rsciio.ripple import file_writer

    file_writer(str(folder / "map.rpl"), _signal(pixels(), ("nm", "nm", "eV")))
    return folder / "map.rpl"


def video(folder: Path) -> Path:
    import av

    path = folder / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def picture(folder: Path) -> Path:
    from PIL import Image

    path = folder / "picture.png"
    Image.fromarray(pixels()[0].astype(np.uint8)).save(path)
    return path


def gatan(folder: Path) -> Path:
    """A recording: one .dm3 a frame, its time in folders and names."""
    content = dm3(pixels()[0])
    for second in (7, 8):
        place = folder / "Rec" / "Hour_00" / "Minute_00" / f"Second_{second:02d}"
        place.mkdir(parents=True)
        for number in range(2):
            (place / f"Rec_Hour_00_Minute_00_Second_{second:02d}_Frame_{number:04d}.dm3").write_bytes(content)
    return folder / "Rec"


def images(folder: Path) -> Path:
    from PIL import Image

    place = folder / "frames"
    place.mkdir()
    for number, frame in enumerate(pixels()):
        Image.fromarray(frame.astype(np.uint8)).save(place / f"image_{number:03d}.png")
    return place


def _clock() -> Clock:
    return Clock(name="camera", start_iso=START, zone="+01:00")


def _signal(data: AnyArray, units: tuple[str, ...]) -> dict[str, Any]:
    """What the writers of RosettaSciIO take."""
    inner = 1 if units[-1] == "eV" else 2
    axes = [
        {"_type": "UniformDataAxis", "name": f"axis {n}", "size": size, "scale": 1.0, "offset": 0.0, "units": unit,
         "navigate": n < data.ndim - inner, "is_binned": False, "index_in_array": n}
        for n, (size, unit) in enumerate(zip(data.shape, units, strict=True))
    ]  # fmt: skip
    kind = "EELS" if inner == 1 else ""
    when = {"title": "check", "date": time.strftime("%Y-%m-%d"), "time": "12:00:00"}
    metadata = {"General": when, "Signal": {"signal_type": kind}, "Acquisition_instrument": {"TEM": {}}}
    return {"data": data, "axes": axes, "metadata": metadata, "original_metadata": {},
            "attributes": {"_lazy": False, "ragged": False}}  # fmt: skip


SAMPLES: dict[str, Callable[[Path], Path]] = {
    "dm": dm, "msa": msa, "mrc": mrc, "tia": tia, "mib": mib, "tvips": tvips, "blo": blo, "hdf5": hdf5, "tiff": tiff,
    "video": video, "picture": picture, "gatan": gatan, "images": images, "zspy": zspy, "semper": semper, "ripple": ripple,
}  # fmt: skip
"""Importer -> what makes a file for it."""

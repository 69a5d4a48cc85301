"""The smallest log of each maker that its reader takes, written as that maker's program does."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

from tandem_em.desk.selftest.sessions import START, bias_run
from tandem_em.exporters import raw_files
from tandem_em.model.clock import Clock

GAMRY = (
    "EXPLAIN\r\nTAG\tCORPOT\r\nTITLE\tLABEL\tOpen Circuit Potential\tTest &Identifier\r\nDATE\tLABEL\t10-2-2020\tDate\r\n"
    "TIME\tLABEL\t17:18:00\tTime\r\nCURVE\tTABLE\t3\r\n\tPt\tT\tVf\tIm\r\n\t#\ts\tV vs. Ref.\tA\r\n"
    "\t0\t1.0\t3.1\t1.0E-009\r\n\t1\t2.0\t3.2\t2.0E-009\r\n\t2\t3.0\t3.3\t3.0E-009\r\n"
)
IVIUM = (
    b"\x00" * 16 + b"\xfb\x00\x00\x00\r\x00Version=11.1234\r\nQR=1\r\nMethod=Chronopotentiometry\r\n"
    b"starttime=25/03/2019 10:11:12\r\nMconfig=1\r\n\x00\r\nprimary_data\r\n3\r\n3\r\n"
    b" 0.00000E+00  1.00000E-09  3.10000E+00\r\n 5.00000E-01  2.00000E-09  3.20000E+00\r\n"
    b" 1.00000E+00  3.00000E-09  3.30000E+00\r\n"
)
LABVIEW = (
    "LabVIEW Measurement\t\nWriter_Version\t2\nSeparator\tTab\nDecimal_Separator\t,\nX_Columns\tOne\nDate\t2019/02/11\n"
    "Time\t15:31:01,5\n***End_of_Header***\t\n\t\nChannels\t2\t\nSamples\t3\t3\t\nDate\t2019/02/11\t2019/02/11\t\n"
    "Time\t15:31:01,5\t15:31:01,5\t\nY_Unit_Label\tVolts\tAmps\t\nX0\t0,0\t0,0\t\nDelta_X\t0,1\t0,1\t\n"
    "***End_of_Header***\t\t\nX_Value\tUntitled\tUntitled 1\tComment\n"
    "0,0\t3,1\t1E-9\t\n0,1\t3,2\t2E-9\t\n0,2\t3,3\t3E-9\t\n"
)
PROTOCHIPS = (
    "Time, Notes, Channel A Temperature\n0, Calibration file = none.cal, 25\n0, Date (yyyy.mm.dd) = 2014.12.03, 25\n"
    "0, Time (hh:mm:ss.ms) = 17:15:37.192, 25\n0, Time units = Milliseconds, 25\n0, Temperature units = Degrees C, 25\n"
    "0, Current units = Amps, 25\n0, Voltage units = Volts, 25\n100, , 26\n200, , 27\n300, , 28\n"
)
IMPULSE = (
    "TimeStamp,Experiment time,Temperature Measured\n13:40:25.811,6.749,1.05\n13:40:26.336,7.274,5.56307\n"
    "13:40:26.849,7.787,9.055198\n"
)


def csv(folder: Path) -> Path:
    return raw_files.write_csv(folder / "run.csv", bias_run(_clock()))


def mpt(folder: Path) -> Path:
    return raw_files.write_mpt(folder / "run.mpt", bias_run(_clock()))


def mpr(folder: Path) -> Path:
    """One module of data with the columns time, voltage and current."""
    columns = (4, 6, 8)  # time/s (8 bytes), Ewe/V, I/mA (4 bytes each)
    rows = b"".join(struct.pack("<dff", 0.5 * n, 3.0 + 0.1 * n, 1e-6) for n in range(3))
    data = (struct.pack("<IB", 3, len(columns)) + bytes(columns)).ljust(100, b"\0") + rows
    head = b"VMP data".ljust(10) + b"VMP data".ljust(25) + struct.pack("<II", len(data), 0) + b"03/12/26"
    path = folder / "run.mpr"
    path.write_bytes(b"BIO-LOGIC MODULAR FILE\x1a".ljust(52, b" ") + b"MODULE" + head + data)
    return path


def dta(folder: Path) -> Path:
    return _text(folder / "run.dta", GAMRY)


def idf(folder: Path) -> Path:
    path = folder / "run.idf"
    path.write_bytes(IVIUM)
    return path


def lvm(folder: Path) -> Path:
    return _text(folder / "run.lvm", LABVIEW)


def protochips(folder: Path) -> Path:
    return _text(folder / "heating.csv", PROTOCHIPS)


def impulse(folder: Path) -> Path:
    return _text(folder / "Heat raw.csv", IMPULSE)


def tomato(folder: Path) -> Path:
    rows = [{"time": 10.0 + n, "Ewe": 3.0 + 0.1 * n, "I": 1e-9, "cycle": 0} for n in range(3)]
    record = {
        "technique": {"name": "CPLIMIT", "index": 2, "data_rows": 3, "data_cols": 4, "start_time": 0.0},
        "current": {"status": "RUN", "elapsed_time": 13.0},
        "data": rows,
    }
    return _text(folder / "MPG2_2022-04-20T213025.275348+0000_data.json", json.dumps(record))


def neware(folder: Path) -> Path:
    """Records of the layout 29."""
    rows = [
        struct.pack("<HIIHBxQiiQqqqqHBBBBBxii", 0x55, n + 1, 0, 1, 1, 1000 * n, 35000 + n, 100, 0, 36000 * n, 0, 0, 0,
                    2024, 5, 6, 10, 0, n, 10, 0)
        for n in range(5)
    ]  # fmt: skip
    path = folder / "run.nda"
    path.write_bytes(b"NEWARE20160101\x1d\x00".ljust(200, b"\x01") + bytes(4) + b"".join(rows))
    return path


def tdms(folder: Path) -> Path:
    from nptdms import ChannelObject, TdmsWriter

    path = folder / "run.tdms"
    with TdmsWriter(path) as writer:
        writer.write_segment([
            ChannelObject("cell", "Time (s)", np.array([0.0, 0.1, 0.2])),
            ChannelObject("cell", "Voltage", np.array([3.1, 3.2, 3.3]), {"unit_string": "V"}),
        ])  # fmt: skip
    return path


def _clock() -> Clock:
    return Clock(name="logger", start_iso=START, zone="+01:00")


def _text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


SAMPLES = {
    "mpr": mpr, "mpt": mpt, "dta": dta, "idf": idf, "neware": neware, "tdms": tdms, "lvm": lvm, "protochips": protochips,
    "impulse": impulse, "tomato": tomato, "text": csv,
}  # fmt: skip
"""Importer -> what makes a file for it."""

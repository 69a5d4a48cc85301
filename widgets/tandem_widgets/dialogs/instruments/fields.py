"""What can be set of each kind of source: the words, units and choices of the form; few on its face, the rest advanced."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

FieldKind = Literal["text", "quantity", "yes", "choice", "file", "folder"]


@dataclass(frozen=True)
class Spec:
    """One field of a form. `key` is the one of the set-up file."""

    key: str
    label: str
    kind: FieldKind = "text"
    unit: str = ""
    tip: str = ""
    hint: str = ""
    """Shown while the field is empty."""
    choices: tuple[tuple[object, str], ...] = ()
    advanced: bool = False


@dataclass(frozen=True)
class KindText:
    """A kind of source in words."""

    title: str
    name: str
    """What a new one is called."""
    about: str
    fields: tuple[Spec, ...] = field(default=())


NAME = Spec("name", "Name", tip="Name in the window and in the file")
POLL = Spec(
    "poll_s", "Check every", "quantity", "s", "How often the file or folder is checked", advanced=True
)

KINDS: dict[str, KindText] = {
    "scpi": KindText(
        "Source-meter",
        "Source-meter",
        "Keithley 2400 family or 2450. A test switches the output on at 0 A to read the cell voltage.",
        (
            NAME,
            Spec("address", "Address", tip="VISA address, for example TCPIP::192.168.0.5::5025::SOCKET or GPIB0::24::INSTR",
                 hint="TCPIP::192.168.0.5::5025::SOCKET"),
            Spec("model", "Model", "choice", choices=tuple(
                (f"keithley {number}", f"Keithley {number}") for number in ("2400", "2401", "2410", "6430", "2450"))),
            Spec("rate_hz", "Samples", "quantity", "Hz", "Readings per second"),
            Spec("compliance_V", "Voltage limit", "quantity", "V", "Voltage limit (compliance) set at the instrument"),
            Spec("compliance_A", "Current at most", "quantity", "A", "Current limit (compliance) set at the instrument"),
            Spec("start", "At the start", "choice", tip="Output state when recording starts",
                 choices=(("open circuit", "Open circuit: 0 A, watch the voltage"), ("as is", "Leave the output as it is"))),
            Spec("nplc", "Integration", "quantity", "", "In power line cycles (0.01 to 10); longer: less noise", advanced=True),
            Spec("four_wire", "Four-wire sense", "yes", tip="Sense the voltage at the cell", advanced=True),
            Spec("rear_terminals", "Rear terminals", "yes", advanced=True),
            Spec("baud_rate", "Baud rate", "quantity", "", "For serial lines", advanced=True),
            Spec("timeout_s", "Answer timeout", "quantity", "s", advanced=True),
            Spec("backend", "Connect through", "choice", advanced=True,
                 choices=(("auto", "Automatic"), ("visa", "VISA"), ("socket", "TCP socket"))),
        ),
    ),
    "text": KindText(
        "File being written",
        "Potentiostat",
        "A text or TDMS file that another program is still writing: EC-Lab .mpt, Gamry .DTA, KickStart CSV, LabVIEW .lvm.",
        (
            NAME,
            Spec("path", "File", "file", tip="The file that is being written"),
            Spec("from_start", "From its start", "yes", tip="Also read the rows that are already in the file"),
            POLL,
            Spec("quiet_s", "Accept last row after", "quantity", "s", "A last row without a line end is accepted after this time",
                 advanced=True),
        ),
    ),
    "folder": KindText(
        "Watched folder",
        "Folder",
        "A folder into which a camera or spectrometer program writes files: images and EELS maps appear as they are saved.",
        (
            NAME,
            Spec("path", "Folder", "folder", tip="Where the files appear"),
            Spec("pattern", "Files", tip="For example *.dm4", hint="*"),
            Spec("from_start", "Include existing files", "yes"),
            Spec("layout", "Layout", "choice", advanced=True, choices=(
                ("auto", "Automatic"), ("flat", "All files in one folder"), ("gatan", "Gatan in-situ folders"))),
            POLL,
        ),
    ),
    "merlin": KindText(
        "Merlin camera",
        "Merlin",
        "Quantum Detectors Merlin (Medipix). Its own program streams the frames over the network.",
        (
            NAME,
            Spec("address", "Frames from", hint="127.0.0.1:6342"),
            Spec("control", "Commands to", hint="listen only", tip="host:port of the command connection, usually port 6341"),
            Spec("trigger", "Start the camera", "yes", tip="Start an endless acquisition when recording begins"),
            Spec("frame_time_s", "Frame time", "quantity", "s", "Used if the camera does not send it", advanced=True),
        ),
    ),
    "dectris": KindText(
        "DECTRIS camera",
        "DECTRIS",
        "DECTRIS ELA, ARINA, QUADRO or SINGLA: frames from its stream.",
        (
            NAME,
            Spec("address", "Frames from", hint="127.0.0.1:9999"),
            Spec("version", "Stream", "choice", choices=(("auto", "Automatic"), (1, "Version 1"), (2, "Version 2"))),
            Spec("channel", "Threshold", hint="first", advanced=True),
        ),
    ),
    "zmq": KindText(
        "Camera script",
        "Camera",
        "Frames and values sent by a script, for example the sender for DigitalMicrograph that comes with TandEM.",
        (
            NAME,
            Spec("address", "Address", hint="127.0.0.1:5555"),
            Spec("bind", "Who connects", "choice", choices=(
                (True, "The script connects to TandEM"), (False, "TandEM connects to the script"))),
            Spec("socket", "Mode", "choice", advanced=True, choices=(
                ("pull", "Recording (nothing is skipped)"), ("sub", "Viewing (may skip)"))),
            Spec("max_mebibytes", "Message size limit", "quantity", "", "MiB; larger messages are rejected", advanced=True),
            Spec("allow_network", "From other computers", "yes", tip="Needs keys and a list of allowed senders", advanced=True),
            Spec("keys", "Folder of keys", "folder", advanced=True),
        ),
    ),
    "impulse": KindText(
        "DENSsolutions Impulse",
        "Impulse",
        "Heating and biasing holder: values published by the Impulse software.",
        (NAME, Spec("address", "Values from", hint="127.0.0.1:5556"), Spec("control", "Commands to", hint="listen only")),
    ),
    "replay": KindText(
        "Replay of a session",
        "Replay",
        "Plays a recorded session as if it were live. It is marked as a replay and cannot switch any output.",
        (
            NAME,
            Spec("path", "Session", "file"),
            Spec("speed", "Speed", "quantity", "", "0.1 to 100 times"),
        ),
    ),
}  # fmt: skip

SESSION_FIELDS = (
    Spec("name", "Name of the session", hint="name of the set-up"),
)  # fmt: skip
CELL_FIELDS = (
    Spec("name", "Cell", hint="not named"),
    Spec("chemistry", "Chemistry", hint="for example LiCoO2 | LiPON | Si"),
    Spec("area_um2", "Electrode area", "quantity", "µm²", "For current densities", hint="unknown"),
    Spec("capacity_uAh_cm2", "Full charge", "quantity", "µAh/cm²", "For C-rates", hint="unknown"),
)  # fmt: skip
LIMIT_FIELDS = (
    Spec("low_V", "Voltage from", "quantity", "V", "Below this the output is switched off", hint="no limit"),
    Spec("high_V", "Voltage to", "quantity", "V", "Above this the output is switched off", hint="no limit"),
    Spec("current_A", "Current at most", "quantity", "A", "In either direction", hint="no limit"),
    Spec("charge_C", "Charge at most", "quantity", "C", "Charge passed since the start of the program", hint="no limit"),
    Spec("rate_V_per_s", "Voltage change at most", "quantity", "V/s", "Measured over 0.4 s", hint="no limit"),
    Spec("jump_V", "Voltage jump at most", "quantity", "V",
         "Between two readings at an unchanged set point: open contact or short", hint="no limit"),
)  # fmt: skip

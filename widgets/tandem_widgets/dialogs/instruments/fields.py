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


NAME = Spec("name", "Name", tip="How it is called in the window and in the file")
POLL = Spec("poll_s", "Look every", "quantity", "s", "How often the disk is asked", advanced=True)

KINDS: dict[str, KindText] = {
    "scpi": KindText(
        "Source-meter",
        "Source-meter",
        "Keithley 2400 family or 2450. A test switches the output on at 0 A, to read the voltage of the cell.",
        (
            NAME,
            Spec("address", "Address", tip="As VISA names it, for example TCPIP::192.168.0.5::5025::SOCKET or GPIB0::24::INSTR",
                 hint="TCPIP::192.168.0.5::5025::SOCKET"),
            Spec("model", "Model", "choice", choices=tuple(
                (f"keithley {number}", f"Keithley {number}") for number in ("2400", "2401", "2410", "6430", "2450"))),
            Spec("rate_hz", "Samples", "quantity", "Hz", "Readings per second"),
            Spec("compliance_V", "Voltage at most", "quantity", "V", "The instrument itself never goes beyond this voltage"),
            Spec("compliance_A", "Current at most", "quantity", "A", "The instrument itself never goes beyond this current"),
            Spec("start", "At the start", "choice", tip="What happens to the output when the recording begins",
                 choices=(("open circuit", "Open circuit: 0 A, watch the voltage"), ("as is", "Leave the output as it is"))),
            Spec("nplc", "Integration", "quantity", "", "In periods of the mains (0.01 to 10): longer is quieter", advanced=True),
            Spec("four_wire", "Four wires", "yes", tip="Sense the voltage at the cell", advanced=True),
            Spec("rear_terminals", "Rear terminals", "yes", advanced=True),
            Spec("baud_rate", "Baud rate", "quantity", "", "For serial lines", advanced=True),
            Spec("timeout_s", "Waits for an answer", "quantity", "s", advanced=True),
            Spec("backend", "Connect through", "choice", advanced=True,
                 choices=(("auto", "What fits"), ("visa", "VISA"), ("socket", "A plain socket"))),
        ),
    ),
    "text": KindText(
        "File being written",
        "Potentiostat",
        "A text or TDMS file that another program is still writing: EC-Lab .mpt, Gamry .DTA, KickStart CSV, LabVIEW .lvm.",
        (
            NAME,
            Spec("path", "File", "file", tip="The file that grows"),
            Spec("from_start", "From its start", "yes", tip="Also take what is in the file already"),
            POLL,
            Spec("quiet_s", "Last row after", "quantity", "s", "A last row without line end counts after this long",
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
            Spec("from_start", "Also what is there already", "yes"),
            Spec("layout", "Layout", "choice", advanced=True, choices=(
                ("auto", "Find out"), ("flat", "All files in one folder"), ("gatan", "Gatan in-situ folders"))),
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
            Spec("control", "Commands to", hint="only listen", tip="host:port of the command connection, usually port 6341"),
            Spec("trigger", "Start the camera", "yes", tip="Start an endless acquisition when recording begins"),
            Spec("frame_time_s", "Frame time", "quantity", "s", "If the camera does not tell it", advanced=True),
        ),
    ),
    "dectris": KindText(
        "DECTRIS camera",
        "DECTRIS",
        "DECTRIS ELA, ARINA, QUADRO or SINGLA: frames from its stream.",
        (
            NAME,
            Spec("address", "Frames from", hint="127.0.0.1:9999"),
            Spec("version", "Stream", "choice", choices=(("auto", "Find out"), (1, "Version 1"), (2, "Version 2"))),
            Spec("channel", "Threshold", hint="the first", advanced=True),
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
            Spec("max_mebibytes", "Largest message", "quantity", "", "MiB; larger ones are refused", advanced=True),
            Spec("allow_network", "From other computers", "yes", tip="Needs keys with a list of who may send", advanced=True),
            Spec("keys", "Folder of keys", "folder", advanced=True),
        ),
    ),
    "impulse": KindText(
        "DENSsolutions Impulse",
        "Impulse",
        "Heating and biasing holder: what the Impulse program publishes.",
        (NAME, Spec("address", "Values from", hint="127.0.0.1:5556"), Spec("control", "Commands to", hint="only listen")),
    ),
    "replay": KindText(
        "Replay of a session",
        "Replay",
        "Plays a recorded session as if it were live. It is marked as a replay and can open no output.",
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
    Spec("area_um2", "Electrode area", "quantity", "µm²", "Turns currents into densities", hint="unknown"),
    Spec("capacity_uAh_cm2", "Full charge", "quantity", "µAh/cm²", "Turns currents into C-rates", hint="unknown"),
)  # fmt: skip
LIMIT_FIELDS = (
    Spec("low_V", "Voltage from", "quantity", "V", "Below this the output goes off", hint="not watched"),
    Spec("high_V", "Voltage to", "quantity", "V", "Above this the output goes off", hint="not watched"),
    Spec("current_A", "Current at most", "quantity", "A", "In either direction", hint="not watched"),
    Spec("charge_C", "Charge at most", "quantity", "C", "Passed since the start of the program", hint="not watched"),
    Spec("rate_V_per_s", "Voltage change at most", "quantity", "V/s", "Over 0.4 s", hint="not watched"),
    Spec("jump_V", "Jump at most", "quantity", "V",
         "Between two readings at an unchanged set point: a contact opened, or a short", hint="not watched"),
)  # fmt: skip

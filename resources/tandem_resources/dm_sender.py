"""Sends the live image of DigitalMicrograph to TandEM. Run it inside GMS 3.5 or later, in a Python script window.

1. In TandEM: add a source of the kind "zmq" (it listens at port 5555) and start it.
2. In DigitalMicrograph: start the live view, click on its window, open this file, tick "Execute on background thread", run.
   pyzmq must be installed once in the Python of GMS:  python -m pip install pyzmq
3. To end: close the image window, or press Ctrl+Shift+Q.

Only the computer that is named in ADDRESS receives the images. To another computer than this one, TandEM must be told
to listen on the network and needs keys: put `client.key_secret` and `server.key` into KEYS.
"""

from __future__ import annotations

import json
import time
from typing import Any, Callable  # noqa: UP035 - GMS brings Python 3.7

import numpy as np
import zmq as zmq_module

zmq: Any = zmq_module
DM: Any
try:
    import DigitalMicrograph as DM  # type: ignore[import-not-found,no-redef]  # noqa: N817
except ImportError:  # when looked at outside GMS
    DM = None

ADDRESS = "127.0.0.1:5555"
SOURCE = "GMS camera"
KEYS = ""
POLL_S = 0.005
TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


class Sender:
    """One PUSH socket; when TandEM does not take the frames in time they are left out and counted by their numbers."""

    def __init__(self, address: str, source: str, keys: str = "") -> None:
        self.context = zmq.Context(1)
        self.socket = self.context.socket(zmq.PUSH)
        self.socket.setsockopt(zmq.LINGER, 500)
        self.socket.setsockopt(zmq.SNDHWM, 8)
        if keys:
            from zmq.auth import load_certificate

            public, secret = load_certificate(keys + "/client.key_secret")
            server, _ = load_certificate(keys + "/server.key")
            self.socket.curve_publickey, self.socket.curve_secretkey = public, secret
            self.socket.curve_serverkey = server
        self.socket.connect("tcp://" + address)
        self.source = source
        self.number = 0
        self.left_out = 0

    def frame(self, pixels: Any, **facts: Any) -> None:
        """Send a copy of an image; the number counts also what could not be sent, so that TandEM sees the hole."""
        if pixels.ndim != 2:
            raise ValueError(
                f"Only two-dimensional images can be sent; this one has {pixels.ndim} dimensions."
            )
        if pixels.dtype.name not in TYPES:
            pixels = pixels.astype("float32")
        pixels = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
        head = dict(facts, v=1, source=self.source, seq=self.number, shape=list(pixels.shape))
        head.update(dtype=pixels.dtype.newbyteorder("=").name, encoding="raw")
        head.setdefault("t", time.time())
        head.setdefault("t_clock", "unix")
        self.number += 1
        try:
            self.socket.send_multipart([b"frame", json.dumps(head).encode(), pixels.tobytes()], zmq.NOBLOCK)
        except zmq.Again:
            self.left_out += 1

    def end(self) -> None:
        """Tell TandEM that nothing more comes."""
        try:
            head = {"v": 1, "source": self.source}
            self.socket.send_multipart([b"end", json.dumps(head).encode()], zmq.NOBLOCK)
        except zmq.Again:
            pass
        self.socket.close()
        self.context.term()


def calibration(image: Any) -> dict[str, Any]:
    """Pixel size and unit as DigitalMicrograph has them."""
    _origin, scale, unit = image.GetDimensionCalibration(0, 0)
    if isinstance(unit, bytes):
        unit = unit.decode("latin-1")
    return {"scale": float(scale), "unit": unit.replace("\u03bc", "\u00b5")}


def fingerprint(pixels: Any) -> bytes:
    """Changes whenever a new frame is there: a sparse sample and the last line (scanned images fill from above)."""
    step = max(1, pixels.size // 4096)
    seen: bytes = pixels.reshape(-1)[::step].tobytes() + pixels[-1].tobytes()
    return seen


def send_changes(
    image: Any, sender: Sender, is_over: Callable[[], bool], wait: Callable[[float], None] = time.sleep
) -> None:
    """Send every new state of a live image until `is_over()`; the array is DigitalMicrograph's own memory, so copy."""
    last = b""
    while not is_over():
        pixels = image.GetNumArray()
        seen = fingerprint(pixels)
        if seen != last:
            last = seen
            sender.frame(np.array(pixels), **calibration(image))
        wait(POLL_S)


def main() -> None:
    """Send the front image of DigitalMicrograph, frame by frame, until its window is closed."""
    image = DM.GetFrontImage()
    number = image.GetID()
    sender = Sender(ADDRESS, SOURCE, KEYS)
    DM.Result(f"Sending {image.GetName()} to TandEM at {ADDRESS}. Close the image window to stop.\n")
    try:
        send_changes(image, sender, lambda: DM.FindImageByID(number) is None)
    finally:
        sender.end()
        DM.Result(f"Stopped after {sender.number} frames; {sender.left_out} could not be sent.\n")


if __name__ == "__main__" and DM is not None:
    main()

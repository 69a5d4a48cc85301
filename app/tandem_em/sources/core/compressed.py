"""LZ4 and bitshuffled LZ4 of detectors and of our own messages, unpacked; sizes are checked before anything is."""

from __future__ import annotations

import struct

USUAL_BLOCK = 8192
"""Bytes that bitshuffle takes at a time where nobody says otherwise."""


class CompressedDataError(ValueError):
    """Bytes that cannot be unpacked; the text is a sentence."""


def decompressed(algorithm: str, item_bytes: int, blob: bytes, wanted: int) -> bytes:
    """Bytes of a compressed stream in HDF5 framing, which says its size in front: it must be what the shape needs."""
    if algorithm not in ("lz4", "bslz4"):
        raise CompressedDataError(f"The compression {algorithm!r} is not known.")
    if algorithm == "bslz4" and blob[:12] == bytes(12):  # simulators that replay a stream leave the sizes out
        blob = struct.pack(">QI", wanted, USUAL_BLOCK) + blob[12:]
    # The length in the header is a number somebody else wrote: it is compared before memory is taken.
    if len(blob) < 12 or struct.unpack(">Q", blob[:8])[0] != wanted:
        raise CompressedDataError("A compressed image has another size than its shape says.")
    block = struct.unpack(">I", blob[8:12])[0]
    # This number comes from the message too: it is bounded before the decoder believes it.
    if block == 0 or block > max(wanted, 1 << 20):
        raise CompressedDataError("A compressed image has blocks of an impossible size.")
    try:
        result = _unpacked(algorithm, item_bytes, blob, wanted, block)
    except (RuntimeError, ValueError, MemoryError) as error:
        raise CompressedDataError("A compressed image is damaged.") from error
    if len(result) != wanted:
        raise CompressedDataError("A compressed image is damaged: it unpacks to another size.")
    return result


def _unpacked(algorithm: str, item_bytes: int, blob: bytes, wanted: int, block: int) -> bytes:
    """LZ4 blocks, and for bslz4 the bit planes put back; fewer than eight last pixels follow as they are."""
    import imagecodecs

    # Bitshuffle works on eight pixels at a time.
    plain = wanted % (8 * item_bytes) if algorithm == "bslz4" else 0
    packed, tail = blob[12 : len(blob) - plain], blob[len(blob) - plain :] if plain else b""
    if wanted == plain:
        return tail
    flat = bytes(imagecodecs.lz4h5_decode(struct.pack(">QI", wanted - plain, block) + packed))
    if algorithm == "bslz4":
        flat = bytes(imagecodecs.bitshuffle_decode(flat, itemsize=item_bytes, blocksize=block // item_bytes))
    return flat + tail

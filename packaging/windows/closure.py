"""Whether every library in the tree finds all it asks for: in the tree, or among what every Windows 10 has."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

WINDOWS = """
    advapi32 api-ms-win-* authz avicap32 avrt bcrypt bcryptprimitives cabinet cfgmgr32 combase comctl32 comdlg32 credui
    crypt32 cryptbase d2d1 d3d9 d3d11 d3d12 d3dcompiler_47 dbgeng dbghelp dcomp dnsapi dwmapi dwrite dxgi dxva2 evr
    ext-ms-win-* fwpuclnt gdi32 gdiplus hid icuuc imm32 iphlpapi kernel32 kernelbase ktmw32 mf mfplat mfreadwrite mpr
    msacm32 mscoree msimg32 mswsock msvcrt ncrypt netapi32 ntdll ole32 oleacc oleaut32 opengl32 pdh powrprof propsys psapi
    rasapi32 rpcrt4 secur32 setupapi shcore shell32 shlwapi strmiids synchronization ucrtbase uiautomationcore user32
    userenv usp10 uxtheme vfw32 version winhttp wininet winmm winspool.drv wldap32 wlanapi ws2_32 wsock32 wtsapi32
"""
SYSTEM = set(WINDOWS.split())
"""Names without .dll; `*` stands for any end. icuuc is there since Windows 10 1903."""
OPTIONAL = {
    "libiomp5md", "tbb12", "vcomp140",  # numba's other threading layers; TandEM uses its own threads
    "wpcap", "npcap",
}  # fmt: skip
SHIMS = ("tandem-wine-", "icuuc.dll")
"""What only the trial in wine puts into its copy; never in what is shipped."""


def missing(tree: Path) -> list[str]:
    """Sentences: which library lacks what."""
    binaries = [path for path in tree.rglob("*") if path.suffix.lower() in (".dll", ".pyd", ".exe")]
    here = {path.name.lower() for path in binaries}
    out = [
        f"{path.relative_to(tree)} belongs to the trial in wine."
        for path in binaries
        if path.name.lower().startswith(SHIMS)
    ]
    for path in binaries:
        for name in sorted(imports(path)):
            stem = name.removesuffix(".dll")
            if name not in here and not _is_of_windows(stem) and stem not in OPTIONAL:
                out.append(
                    f"{path.relative_to(tree)} needs {name}, which is neither in the tree nor in Windows."
                )
    return out


def _is_of_windows(stem: str) -> bool:
    return any(stem == each or (each.endswith("*") and stem.startswith(each[:-1])) for each in SYSTEM)


def imports(path: Path) -> set[str]:
    """The libraries a program or library is bound to (lower case), read from its import table."""
    return {name for name, _ in _descriptors(path.read_bytes())}


def imported_names(path: Path, library: str) -> set[str]:
    """What a program or library asks of one library, by name."""
    data = path.read_bytes()
    found: set[str] = set()
    for name, thunks in _descriptors(data):
        if name == library:
            found |= set(_functions(data, thunks))
    return found


def _descriptors(data: bytes) -> Iterator[tuple[str, int]]:
    """(library, where its list of names begins in the file)."""
    sections, table = _headers(data)
    at = _place(sections, table) if table else 0
    while at and (name := struct.unpack_from("<I", data, at + 12)[0]):
        first, second = struct.unpack_from("<I", data, at)[0], struct.unpack_from("<I", data, at + 16)[0]
        yield _text(data, _place(sections, name)).lower(), _place(sections, first or second)
        at += 20


def _functions(data: bytes, at: int) -> Iterator[str]:
    sections, _ = _headers(data)
    while value := struct.unpack_from("<Q", data, at)[0]:
        if not value >> 63:  # else by its number
            yield _text(data, _place(sections, value) + 2)
        at += 8


Sections = list[tuple[int, ...]]


def _headers(data: bytes) -> tuple[Sections, int]:
    """The sections and the address of the import table; 0 where there is none, or for 32 bits."""
    at = struct.unpack_from("<I", data, 0x3C)[0]
    optional = at + 24
    if data[:2] != b"MZ" or data[at : at + 4] != b"PE\0\0" or data[optional : optional + 2] != b"\x0b\x02":
        return [], 0
    count, size = struct.unpack_from("<H", data, at + 6)[0], struct.unpack_from("<H", data, at + 20)[0]
    sections = [struct.unpack_from("<IIII", data, optional + size + 40 * n + 8) for n in range(count)]
    return sections, struct.unpack_from("<I", data, optional + 120)[0]


def _place(sections: Sections, address: int) -> int:
    for size, start, raw_size, raw in sections:
        if start <= address < start + max(size, raw_size):
            return raw + address - start
    raise ValueError("an address outside of all sections")


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("ascii")

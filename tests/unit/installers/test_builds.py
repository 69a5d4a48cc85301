"""What the builds of installers take, leave out, check and remove again."""

from __future__ import annotations

import importlib
import re
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tandem_em

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Modules of packaging/ are scripts: they find one another in their folder."""
    monkeypatch.syspath_prepend(str(ROOT / "packaging"))
    monkeypatch.syspath_prepend(str(ROOT / "packaging" / "windows"))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(ROOT / "packaging") in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_there_is_one_version(load: Callable[[str], Any]) -> None:
    version = load("version")
    assert version.version() == tandem_em.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+\.0", version.four_numbers())
    assert f"version: {tandem_em.__version__}" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert not re.search(r'^version = "', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)


def test_windows_gets_what_it_alone_needs_and_nothing_of_the_tests(load: Callable[[str], Any]) -> None:
    lock = load("runtime_lock")
    there, here = lock.needed(lock.WINDOWS), lock.needed()
    assert {"numpy", "pyqt6", "h5py", "av", "colorama"} <= there
    assert not {"pytest", "ruff", "silx", "uvloop"} & (there | here)
    text = lock.runtime_lock(lock.WINDOWS)
    assert text.count("--hash=sha256:") > len(there)


def windows_program(library: bytes, name: bytes) -> bytes:
    """The least a 64-bit program of Windows can be that asks for one function of one library."""
    start, raw = 0x1000, 0x200
    functions, text = start + 40, start + 56
    table = struct.pack("<5I", functions, 0, 0, text, functions) + bytes(20)
    section = (
        table
        + struct.pack("<2Q", text + len(library) + 1, 0)
        + library
        + b"\0"
        + struct.pack("<H", 0)
        + name
        + b"\0"
    )
    head = b"PE\0\0" + struct.pack("<2H12x2H", 0x8664, 1, 240, 0x22)
    optional = struct.pack("<H118x2I", 0x20B, start, 40).ljust(240, b"\0")
    sections = struct.pack("<8s4I16x", b".idata", len(section), start, len(section), raw)
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    return (dos + head + optional + sections).ljust(raw, b"\0") + section


def test_the_import_table_of_a_program_is_read(load: Callable[[str], Any], tmp_path: Path) -> None:
    closure = load("closure")
    program = tmp_path / "small.exe"
    program.write_bytes(windows_program(b"KERNEL32.dll", b"GetModuleFileNameW"))
    assert "kernel32.dll" in closure.imports(program)
    assert "GetModuleFileNameW" in closure.imported_names(program, "kernel32.dll")


def test_a_library_that_lacks_something_stops_the_build(load: Callable[[str], Any], tmp_path: Path) -> None:
    closure = load("closure")
    program = windows_program(b"KERNEL32.dll", b"GetModuleFileNameW")
    (tmp_path / "good.exe").write_bytes(program)
    assert closure.missing(tmp_path) == []
    (tmp_path / "bad.exe").write_bytes(re.sub(b"(?i)kernel32.dll", b"nowhere1.dll", program))
    assert closure.missing(tmp_path) == [
        "bad.exe needs nowhere1.dll, which is neither in the tree nor in Windows."
    ]


def test_what_the_trial_in_wine_needs_is_never_shipped(load: Callable[[str], Any], tmp_path: Path) -> None:
    closure, shims = load("closure"), load("wine_shims")
    (tmp_path / shims.OURS).write_bytes(b"MZ".ljust(256, b"\0"))
    (tmp_path / "icuuc.dll").write_bytes(b"MZ".ljust(256, b"\0"))
    assert sorted(closure.missing(tmp_path)) == sorted(
        f"{name} belongs to the trial in wine." for name in (shims.OURS, "icuuc.dll")
    )


def test_stubs_that_are_read_when_a_package_is_imported_stay(
    load: Callable[[str], Any], tmp_path: Path
) -> None:
    prune = load("prune")
    for name, code in (("lazy", "lazy.attach_stub(__name__, __file__)"), ("plain", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(code)
        (tmp_path / name / "__init__.pyi").write_text("")
    assert prune._is_read(tmp_path / "lazy" / "__init__.pyi")
    assert not prune._is_read(tmp_path / "plain" / "__init__.pyi")


def test_a_download_with_another_hash_is_not_used(load: Callable[[str], Any], tmp_path: Path) -> None:
    cpython = load("cpython")
    (tmp_path / "python.zip").write_bytes(b"not python")
    with pytest.raises(SystemExit, match="it is not used"):
        cpython.from_zip(tmp_path / "python.zip", "0" * 64, tmp_path / "runtime")


def test_the_installer_removes_exactly_what_it_brings() -> None:
    script = (ROOT / "packaging/windows/installer.nsi").read_text("utf-8")
    removed = set(re.findall(r'(?:RMDir /r|Delete) "\$INSTDIR\\([\w.-]+)"', script))
    brought = {
        "runtime",
        "app",
        "site-packages",
        "bin",
        "TandEM.exe",
        "LICENSE.txt",
        "THIRD_PARTY.txt",
        "SBOM.json",
    }
    assert removed == brought | {"uninstall.exe"}
    assert not re.search(r'RMDir /r "\$INSTDIR"', script)  # what a person put beside it stays


def test_every_extension_module_of_python_is_taken(load: Callable[[str], Any]) -> None:
    pattern = load("cpython").FROM_WHEEL
    for name in (
        "_bz2.pyd",
        "_ctypes.pyd",
        "select.pyd",
        "libffi-8.dll",
        "python311.dll",
        "VCRUNTIME140.dll",
    ):
        assert pattern.match(f"deploy_libs/{name}"), name
    assert not pattern.match("panda3d/core.cp311-win_amd64.pyd")
    assert not pattern.match("deploy_libs/tcl86t.dll")

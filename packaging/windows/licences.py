"""Whose work is shipped and under which licence: THIRD_PARTY.txt for people, SBOM.json (CycloneDX) for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from version import version

LONGEST_NAME = 60
RUNTIME = (
    ("CPython", "3.11", "PSF-2.0", "https://www.python.org"),
    ("OpenSSL (libcrypto, libssl)", "3", "Apache-2.0", "https://www.openssl.org"),
    ("libffi", "3", "MIT", "https://sourceware.org/libffi"),
    ("SQLite", "3", "blessing (public domain)", "https://sqlite.org"),
    (
        "Microsoft Visual C++ runtime (vcruntime140, msvcp140)",
        "14",
        "Microsoft redistributable",
        "https://learn.microsoft.com/cpp",
    ),
)
INSIDE = (
    ("Qt 6", "in PyQt6-Qt6", "LGPL-3.0-only", "https://www.qt.io"),
    ("FFmpeg with x264 and others", "in av", "GPL-3.0-or-later (as built)", "https://ffmpeg.org"),
    ("OpenBLAS", "in numpy and scipy", "BSD-3-Clause", "https://www.openblas.net"),
    ("HDF5", "in h5py", "BSD-3-Clause (HDF5)", "https://www.hdfgroup.org"),
    ("LLVM", "in llvmlite", "Apache-2.0 WITH LLVM-exception", "https://llvm.org"),
)
"""Libraries that lie inside wheels."""


@dataclass
class Part:
    name: str
    version: str
    licence: str
    home: str = ""
    texts: list[str] = field(default_factory=list)
    is_wheel: bool = True


def parts(site: Path, extra: Iterable[tuple[str, str, str, str]] = ()) -> list[Part]:
    """Every distribution of a folder, in order, and what else is shipped."""
    found = [_part(each) for each in distributions(path=[str(site)])]
    found += [Part(*each, is_wheel=False) for each in (*extra, *INSIDE)]
    return sorted(found, key=lambda part: part.name.lower())


def _part(found: Distribution) -> Part:
    facts = found.metadata
    said = facts.get("License-Expression") or facts.get("License") or ""
    if not said or len(said) > LONGEST_NAME or "\n" in said:
        classes = [
            c.rpartition("::")[2].strip()
            for c in facts.get_all("Classifier") or ()
            if c.startswith("License")
        ]
        said = ", ".join(classes) or said.strip().split("\n", 1)[0][:LONGEST_NAME] or "see its text"
    homes = [each.partition(",")[2].strip() for each in facts.get_all("Project-URL") or ()]
    texts = [
        Path(str(found.locate_file(file))).read_text("utf-8", "replace")
        for file in found.files or ()
        if ".dist-info" in str(file) and any(word in file.name.upper() for word in ("LICEN", "COPYING", "NOTICE"))
        and Path(str(found.locate_file(file))).is_file()
    ]  # fmt: skip
    return Part(facts["Name"], found.version, said, facts.get("Home-page") or (homes or [""])[0], texts)


def write(folder: Path, found: list[Part]) -> None:
    unknown = [part.name for part in found if part.licence == "see its text" and not part.texts]
    if unknown:
        raise SystemExit(f"No licence is known of: {', '.join(unknown)}.")
    (folder / "THIRD_PARTY.txt").write_text(_text(found), "utf-8", newline="\r\n")
    (folder / "SBOM.json").write_text(json.dumps(_sbom(found), indent=1, ensure_ascii=False) + "\n", "utf-8")


def _text(found: list[Part]) -> str:
    lines = [f"TandEM {version()} is free software: GPL-3.0-or-later (LICENSE.txt). It is shipped with:", ""]
    lines += [f"{part.name} {part.version}: {part.licence}  {part.home}".rstrip() for part in found]
    for part in found:
        for text in part.texts:
            lines += ["", "=" * 100, f"{part.name} {part.version}", "=" * 100, text.strip()]
    return "\n".join(lines) + "\n"


def _sbom(found: list[Part]) -> dict[str, object]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "TandEM", "version": version(),
                                   "licenses": [{"license": {"id": "GPL-3.0-or-later"}}]}},
        "components": [
            {"type": "library", "name": part.name, "version": part.version, "licenses": [{"license": {"name": part.licence}}]}
            | ({"purl": f"pkg:pypi/{part.name.lower().replace('_', '-')}@{part.version}"} if part.is_wheel else {})
            for part in found
        ],
    }  # fmt: skip

#!/usr/bin/env python3
"""For the trial in wine only: what Debian's wine lacks and every Windows has.

    wine_shims.py COPY SYSTEM32      patches a copy of the tree, puts two libraries into a wine prefix

wine's ucrtbase has no complex functions (numpy stops), and there is no icuuc.dll (Qt6Core). A library of ours offers the
first and passes the rest on; it stands in by a name as long as the right one. The build refuses a tree that holds it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import closure

MATH = "api-ms-win-crt-math-l1-1-0.dll"
OURS = "tandem-wine-crt-math-shim0.dll"
GCC = ("x86_64-w64-mingw32-gcc", "-shared", "-O2", "-s", "-fno-builtin", "-static-libgcc")
HEAD = """#include <complex.h>
typedef struct { double r, i; } D;
typedef struct { float r, i; } F;
static double _Complex in(D z) { double _Complex w; __real__ w = z.r; __imag__ w = z.i; return w; }
static D out(double _Complex w) { D z = { __real__ w, __imag__ w }; return z; }
static double _Complex inf_(F z) { double _Complex w; __real__ w = z.r; __imag__ w = z.i; return w; }
static F outf(double _Complex w) { F z = { (float)__real__ w, (float)__imag__ w }; return z; }
#define TO_COMPLEX(n) D x_##n(D z) { return out(n(in(z))); } D x_##n##l(D z) { return out(n(in(z))); } \\
  F x_##n##f(F z) { return outf(n(inf_(z))); }
#define TO_REAL(n) double x_##n(D z) { return n(in(z)); } double x_##n##l(D z) { return n(in(z)); } \\
  float x_##n##f(F z) { return (float)n(inf_(z)); }
D x_cpow(D a, D b) { return out(cpow(in(a), in(b))); }
D x_cpowl(D a, D b) { return out(cpow(in(a), in(b))); }
F x_cpowf(F a, F b) { return outf(cpow(inf_(a), inf_(b))); }
D x__Cbuild(double r, double i) { D z = { r, i }; return z; }
D x__LCbuild(double r, double i) { D z = { r, i }; return z; }
F x__FCbuild(float r, float i) { F z = { r, i }; return z; }
"""
TO_COMPLEX = (
    "cacos", "cacosh", "casin", "casinh", "catan", "catanh", "ccos", "ccosh", "cexp", "clog", "csin", "csinh", "csqrt",
    "ctan", "ctanh", "conj", "cproj",
)  # fmt: skip
TO_REAL = ("cabs", "carg", "creal", "cimag")
OWN = {f"{name}{end}" for name in [*TO_COMPLEX, *TO_REAL, "cpow"] for end in ("", "f", "l")} | {
    "_Cbuild", "_LCbuild", "_FCbuild",
}  # fmt: skip


def main(tree: Path, system32: Path) -> None:
    assert len(MATH) == len(OURS)
    binaries = [path for path in tree.rglob("*") if path.suffix.lower() in (".pyd", ".dll")]
    users = [path for path in binaries if MATH in closure.imports(path)]
    wanted = set().union(*(closure.imported_names(path, MATH) for path in users))
    make_math(wanted, system32 / OURS)
    patched = 0
    for path in users:
        if closure.imported_names(path, MATH) & OWN:
            data = path.read_bytes()
            path.unlink()  # it may be a link to the one that is shipped
            path.write_bytes(data.replace(MATH.encode(), OURS.encode()))
            patched += 1
    (core,) = tree.rglob("Qt6Core.dll")
    make_stub(closure.imported_names(core, "icuuc.dll"), system32 / "icuuc.dll")
    print(
        f"{patched} libraries patched, {len(wanted & OWN)} complex functions, {len(wanted - OWN)} passed on"
    )


def make_math(wanted: set[str], target: Path) -> None:
    code = (
        HEAD + "".join(f"TO_COMPLEX({f})\n" for f in TO_COMPLEX) + "".join(f"TO_REAL({f})\n" for f in TO_REAL)
    )
    lines = [f"  {name}=x_{name}" if name in OWN else f"  {name}=ucrtbase.{name}" for name in sorted(wanted)]
    build(code, lines, target)


def make_stub(wanted: set[str], target: Path) -> None:
    """Qt asks for its text codecs only by name; none is offered, so that it uses its own (UTF-8)."""
    code = "".join(f"long long x_{name}(void) {{ return 0; }}\n" for name in sorted(wanted))
    build(code, [f"  {name}=x_{name}" for name in sorted(wanted)], target)


def build(code: str, exports: list[str], target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, listing = Path(folder) / "shim.c", Path(folder) / "shim.def"
        source.write_text(code)
        listing.write_text(f'LIBRARY "{target.name}"\nEXPORTS\n' + "\n".join(exports) + "\n")
        subprocess.run([*GCC, source, listing, "-o", target], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

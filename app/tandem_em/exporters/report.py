"""The report: one HTML page with everything in it, nothing from the network, printable."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from tandem_em.exporters.replacing import replacing
from tandem_em.texts import figure

STYLE = """body{font:14px/1.5 Arial,Helvetica,sans-serif;max-width:190mm;margin:2em auto;padding:0 1em;color:#1a1d21}
h1{font-size:22px}h2{font-size:16px;border-bottom:1px solid #ccd;margin-top:2em}img{max-width:100%}figure{margin:1em 0;
break-inside:avoid}figcaption{color:#556;font-size:12px}table{border-collapse:collapse;font-size:12px;margin:.5em 0}
th,td{padding:2px 8px;border-bottom:1px solid #e3e6ea;text-align:right}th:first-child,td:first-child{text-align:left}
.mark{color:#b3261e;font-weight:bold}.wide{overflow-x:auto}@media print{body{margin:0}}"""


def picture(path: Path, caption: str) -> str:
    """A PNG inside the page."""
    code = base64.b64encode(path.read_bytes()).decode()
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{code}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def table(rows: Sequence[dict[str, Any]], headers: dict[str, str]) -> str:
    """Rows of records; `headers`: key -> heading."""
    head = "".join(f"<th>{escape(text)}</th>" for text in headers.values())
    lines = "".join(
        "<tr>" + "".join(f"<td>{_cell(row.get(k))}</td>" for k in headers) + "</tr>" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def _cell(value: Any) -> str:
    return "–" if value is None else figure(value, 4) if isinstance(value, float) else escape(str(value))


def listing(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def write_report(path: Path, title: str, mark: str, parts: Sequence[tuple[str, str]]) -> Path:
    """Headings with their HTML."""
    warning = f'<p class="mark">{escape(mark)}</p>' if mark else ""
    body = "".join(f"<section><h2>{escape(heading)}</h2>{html}</section>" for heading, html in parts)
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<link rel="icon" href="data:,"><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{warning}{body}</body></html>'
    )
    with replacing(path) as temporary:
        temporary.write_text(page, "utf-8")
    return path

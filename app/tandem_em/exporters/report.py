"""The report: one HTML page with everything in it, nothing from the network, printable."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from tandem_em.exporters.replacing import replacing

STYLE = """
:root{--ink:#1a1d21;--quiet:#5a6570;--line:#dfe3e8;--mark:#b3261e;--tint:#f5f7f9}
*{box-sizing:border-box}
body{font:14px/1.5 "Inter","Segoe UI","Noto Sans",Arial,Helvetica,sans-serif;
max-width:190mm;margin:2.5em auto;padding:0 1em;color:var(--ink)}
h1{font-size:24px;line-height:1.25;margin:0 0 .2em}
h2{font-size:17px;margin:2.2em 0 .6em;padding-bottom:.25em;border-bottom:1px solid var(--line)}
p.lead{color:var(--quiet);margin:.2em 0 1em}nav{font-size:13px;margin:1em 0}
nav a{color:#0b62c4;text-decoration:none;margin-right:1.1em}
.mark{color:var(--mark);border:1px solid var(--mark);border-radius:4px;
padding:.4em .8em;display:inline-block;font-weight:600}
figure{margin:1.4em 0 2em;break-inside:avoid}figure img{max-width:100%;height:auto;display:block;margin:0 auto}
figcaption{color:var(--quiet);font-size:12.5px;margin-top:.5em}
figcaption b{color:var(--ink)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:12.5px;margin:.4em 0 1em;font-variant-numeric:tabular-nums}
th,td{padding:3px 10px 3px 0;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th{color:var(--quiet);font-weight:600;border-bottom:1.5px solid var(--ink)}th:first-child,td:first-child{text-align:left}
td.text,th.text{text-align:left}
ul.notes{list-style:none;padding:0;margin:.4em 0}
ul.notes li{padding:.35em .7em;
margin:.25em 0;background:var(--tint);border-left:3px solid var(--line)}
ul.notes li.warning{border-color:#d99a00}ul.notes li.error{border-color:var(--mark)}ul.notes span{color:var(--quiet)}
.methods{text-align:justify;hyphens:auto}
footer{color:var(--quiet);font-size:12px;margin-top:3em;border-top:1px solid var(--line);padding-top:.6em}
@media print{@page{size:A4;margin:16mm}body{margin:0;padding:0;max-width:none;font-size:10.5pt}nav{display:none}
h2{break-after:avoid}
tr{break-inside:avoid}thead{display:table-header-group}.wide{overflow:visible}
th,td{white-space:normal;font-size:8.5pt;padding-right:6px}}
"""
KINDS = {"svg": "image/svg+xml", "png": "image/png"}
Rows = Sequence[Sequence[str]]


def picture(content: bytes, kind: str, width_mm: float, number: int, title: str, caption: str) -> str:
    """A figure inside the page, at the size it has in print."""
    code = base64.b64encode(content).decode()
    return (
        f'<figure><img alt="{escape(title)}" style="width:{width_mm:g}mm" src="data:{KINDS[kind]};base64,{code}">'
        f"<figcaption><b>Figure {number}. {escape(title)}.</b> {escape(caption)}</figcaption></figure>"
    )


def table(headings: Sequence[str], rows: Rows, texts: Sequence[int] = (0,)) -> str:
    """Rows of cells; `texts`: columns that are words."""
    if not rows:
        return ""
    kind = [' class="text"' if column in texts else "" for column in range(len(headings))]
    head = "".join(f"<th{k}>{escape(text)}</th>" for k, text in zip(kind, headings))
    lines = "".join(
        "<tr>" + "".join(f"<td{k}>{escape(c)}</td>" for k, c in zip(kind, row)) + "</tr>" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def notes(lines: Sequence[tuple[str, str, str]]) -> str:
    """Severity, what, and what to do."""
    items = (
        f'<li class="{escape(kind)}">{escape(what)} <span>{escape(advice)}</span></li>'
        for kind, what, advice in lines
    )
    return '<ul class="notes">' + "".join(items) + "</ul>"


def listing(lines: Sequence[str]) -> str:
    """Lines as an HTML list, special characters escaped."""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def write_report(
    path: Path, title: str, lead: str, mark: str, parts: Sequence[tuple[str, str]], foot: str
) -> Path:
    """Headings with their HTML; parts without any are left out."""
    given = [(f"part{number}", heading, html) for number, (heading, html) in enumerate(parts) if html]
    warning = f'<p class="mark">{escape(mark)}</p>' if mark else ""
    contents = "".join(f'<a href="#{name}">{escape(heading)}</a>' for name, heading, _ in given)
    body = "".join(
        f'<section id="{name}"><h2>{escape(heading)}</h2>{html}</section>' for name, heading, html in given
    )
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f'<style>{STYLE}</style></head><body><header><h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p>{warning}'
        f"<nav>{contents}</nav></header><main>{body}</main><footer>{escape(foot)}</footer></body></html>"
    )
    with replacing(path) as temporary:
        temporary.write_text(page, "utf-8")
    return path

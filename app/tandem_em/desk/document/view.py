"""Where somebody looked: saved along with a session, never a change of it."""

from __future__ import annotations

from tandem_em.model.session import Session


def keep_view(session: Session) -> None:
    """Write cursor, span and what is selected into the session."""
    view, focus = session.info.view, session.focus
    view["t"] = focus.t
    view["span"] = list(focus.span)
    view["selected"] = focus.selection


def restore_view(session: Session) -> tuple[float, float]:
    """Look where somebody looked when it was saved, else at all of it; returns the span of everything."""
    focus, extent = session.focus, session.extent()
    if extent is None:
        return focus.span
    view = session.info.view
    low, high = view.get("span", extent)
    # A session with one single moment still needs a span to draw.
    focus.span = (low, high) if high > low else (low - 1, low + 1)
    focus.t = float(view.get("t", low))
    for kind, item_id in view.get("selected", {}).items():
        focus.select(kind, item_id)
    return extent

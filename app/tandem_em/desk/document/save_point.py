"""Is there something to save? Asked after every change, answered without looking at the items where that is possible."""

from __future__ import annotations

from tandem_em.model.saved import SavedState
from tandem_em.model.session import Session


class SavePoint:
    """A session as it is now, or as it was (`state`): has it changed since?

    Away from the clean mark of the history it has: no item is looked at. At the mark, what was changed past the history
    (recorded, previewed, recovered) is compared by content, once for each revision of the session.
    """

    def __init__(self, session: Session, state: SavedState | None = None) -> None:
        self._session = session
        self._state = state or SavedState(session)
        # Marking clean later must mark this place, not where the history stands by then.
        self._place = session.history.place
        self._asked_at, self._answer = (session.revision, False) if state is None else (-1, True)
        self.revision = session.revision

    def mark_clean(self) -> None:
        """The session is on disk as it was then."""
        self._state.moved(self._session)
        self._session.history.mark_clean(self._place)

    @property
    def has_changed(self) -> bool:
        """Whether the session differs from this point; compares content only at the clean mark."""
        if not self._session.history.is_clean:
            return True
        if self._asked_at != self._session.revision:
            self._asked_at, self._answer = self._session.revision, self._state.differs(self._session)
        return self._answer

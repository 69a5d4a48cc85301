"""Files that arrive in a watched folder while recording (EELS maps, spectra): imported, and placed where they belong."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import Notices, UserError
from tandem_em.desk import importing
from tandem_em.importers.core.base import ImportOptions
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

log = logging.getLogger(__name__)
Post = Callable[[Callable[[], None]], None]


class LiveFiles:
    """One file after the other is read in a thread of its own; what is in it is added on the session's thread."""

    def __init__(self, session: Session, notices: Notices, post: Post) -> None:
        self._session, self._notices, self._post = session, notices, post
        self._waiting: queue.SimpleQueue[tuple[Path, float | None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def arrived(self, path: Path, written_at: float | None = None) -> None:
        """A complete file; `written_at`: seconds since 1970, used when the file itself has no date."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="arriving files", daemon=True)
            self._thread.start()
        self._waiting.put((path, written_at))

    def stop(self) -> None:
        """Read what has arrived, then end."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    def _run(self) -> None:
        while (found := self._waiting.get()) is not None:
            try:
                self._take(*found)
            except UserError as error:
                self._notices.tell(error)
            # One file that breaks an importer must not end the import of those to come.
            except Exception as error:
                log.exception("a file that arrived")
                self._notices.error(
                    f"{found[0].name} could not be read: {error}", "The file was not changed."
                )

    def _take(self, path: Path, written_at: float | None) -> None:
        imported = run_to_end(
            importing.import_files(self._session, [path], ImportOptions(axis0_is_time=True))
        )
        for item in imported.items:
            if isinstance(item, SpectrumImage) and written_at is not None:
                date_by_file(item, written_at)
        # Applied past the history: undo during a recording must not take a map away.
        self._post(lambda: importing.adding(self._session, imported).apply(self._session))


def date_by_file(image: SpectrumImage, written_at: float) -> None:
    """A map without a date was finished when its file was written, and lasted as long as its pixels."""
    # The file itself knows better than its date.
    if image.clock.start_iso and image.start is not None:
        return
    height, width, _ = image.shape
    lasted = (image.dwell_s or 0.0) * height * width
    image.clock.start_iso = datetime.fromtimestamp(written_at - lasted).astimezone().isoformat()
    image.clock.origin = "file time"
    # File systems and copying programs date a file to about a second.
    image.clock.uncertainty_s = 1.0
    image.start, image.end = 0.0, lasted

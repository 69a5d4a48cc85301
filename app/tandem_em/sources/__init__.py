"""Live sources: instruments, cameras and growing files behind one small interface, each with its simulator.

What lives here: everything that talks to the outside world while recording, and the guardian of the cell.
What does not: files that are finished (importers), writing to disk (storage), who records when (desk).
A source is one folder (source, wire, simulator, settings with its form, entry) and one line in `registry`.
Who may come in: the desk, through `base.Source`, `registry` and `setup`.
Times handed out are the instrument's own seconds beside the host's `base.host_now()`; nothing here knows the session.
"""

"""Floor 4, what is typed: one module per command, no Qt.

Each module has HELP, `arguments(parser)` and `run(options, window) -> exit status`; it calls the same desk verbs as the
window does. Results go to standard output, progress and errors to standard error. Only the front door comes in.
"""

"""From a session to the file: items, streams, frames, copies, and the layout HyperSpy looks for.

Here: writing what the file_index says has changed. Not here: recording (`recording`), transactions (`transaction`).
"""

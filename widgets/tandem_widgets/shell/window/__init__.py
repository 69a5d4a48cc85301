"""The main window and its parts: header, docks, status strip, bars, player, crash dialog.

Here: what is always there. Not here: what an action does (`shell.actions`).
"""

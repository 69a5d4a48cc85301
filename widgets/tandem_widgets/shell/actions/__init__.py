"""The table of actions and what they call: files, dialogs, copies, steps in time, recording, guardian.

Here: from a key or menu to a verb of the desk. Not here: widgets that are always there (`shell.window`).
"""

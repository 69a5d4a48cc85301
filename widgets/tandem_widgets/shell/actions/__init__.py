"""Everything a person can do in a window, by subject, and the table that names it: files, edit, time, recording, dialogs.

Here: from a key or menu to a verb of the desk, asking where a person has to decide. Not here: widgets that are always
there (`shell.window`). An action knows the context (`shell.context`), never the window.
"""

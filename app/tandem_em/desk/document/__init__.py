"""The open document: one session as a file, from opening to closing.

Here: whether it has unsaved changes, saving, keeping a recovery file, recovering, leaving. Not here: importing
(`desk.importing`), how values lie in the file (`storage`), asking a person (`shell.actions`). Everybody may come in.
"""

"""The stack pane: the frame at the cursor, outlines, drift, tools, menus.

Here: showing stacks and turning gestures into verbs of the desk. `scene` is what is shown, without Qt; tools, menus and windows
take it, `pane` wires them to the session. Not here: numbers, the other panes.
"""

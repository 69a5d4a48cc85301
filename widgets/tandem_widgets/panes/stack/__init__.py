"""The stack pane: the frame at the cursor, outlines, drift, tools, menus.

Here: showing stacks and turning gestures into verbs of the desk. Not here: numbers, the other panes.
"""

"""What panes and dialogs are built from: theme, bridge to the GUI thread, canvas, lanes, small controls.

Not here: anything that knows a pane, the main window or a file. Panes, dialogs and the shell come in.
"""

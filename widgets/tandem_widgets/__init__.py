"""Floor 4, what is seen: all Qt and pyqtgraph.

shell (the main window) -> panes (biasing, stack, eels) -> dialogs they open -> parts (what they are built from). Widgets take
model objects and the desk in their constructors, connect and draw; they write only in answer to a gesture.
"""

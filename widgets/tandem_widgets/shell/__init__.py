"""The main window around the panes: header, docks, actions, palette, status strip, crash dialog, tour."""

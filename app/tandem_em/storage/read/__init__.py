"""From a sound file to a session: items, streams, outlines, sizes.

Here: reading only. Not here: deciding whether a file may be read (`gate`), arrays that stay in the file (`arrays`).
"""

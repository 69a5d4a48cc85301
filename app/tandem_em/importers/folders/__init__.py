"""Movies that are folders: numbered images and Gatan in-situ recordings.

Here: which files belong together and when each was taken. Not here: how one file is read. The registry comes in.
"""

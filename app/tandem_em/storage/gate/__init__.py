"""Before a file is opened: what it is, whether it is sound, which version, how much room the disk has.

Here: everything that faces files of strangers. Not here: reading what is inside. Only storage comes in, and the desk for
`disk_space` and `recognise`.
"""

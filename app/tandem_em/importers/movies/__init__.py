"""Films, TIFF stacks and pictures, with the tags that microscope software leaves in them.

Here: one module a kind of file. Not here: folders of such files (`folders`). The registry and `folders` come in.
"""

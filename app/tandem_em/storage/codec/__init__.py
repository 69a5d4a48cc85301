"""How values and items look inside HDF5, in both directions; `layout` is the only file that spells names of groups.

Here: fields, JSON, records, outlines, NeXus attributes, compressed chunks. Not here: when and what is written or read.
"""

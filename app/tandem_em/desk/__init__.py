"""Floor 3, what can be done: the verbs behind every gesture and every command.

Here: open, save, import, record, follow, map, align, export, each with its history entry and provenance. Not here:
numbers (analysis), file formats (storage, importers, exporters), anything seen. Windows and commands come in.
"""

"""Floor 1, what is known: the session and everything in it.

Here: plain items (runs, stacks, particles, maps, events, clocks …), the collections that announce their changes,
the focus (the one cursor) and the history of edits. Not here: files, Qt, HDF5, long computations.
Everybody above may come in; items change only through `Session.change` or an edit, so that everyone hears of it.
"""

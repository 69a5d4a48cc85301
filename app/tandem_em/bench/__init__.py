"""Benchmarks without a window, each beside a peer or a limit, run by `tandem bench`.

Here: one module a benchmark. Not here: those of the window (`tandem_widgets.bench`). The command line comes in.
"""

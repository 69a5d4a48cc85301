"""Whether this installation works: every part is used once, on small files made here, and a sentence says what to do.

Here: the checks (one function each), the samples they read, the list of all. Not here: the command that prints them
(`cli.selftest`) and the dialog that shows them. Tests of the program's correctness live in `tests`.
"""

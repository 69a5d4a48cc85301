"""Results by name and type, in place of the string keys they are stored under.

Here: one frozen record for each kind of result, read from a `ResultSet` and turned into one; by what they are made of:
`of_stacks`, `of_runs`, `of_maps`, `of_sites`. Not here: how a result is computed (analysis), asked for and kept (desk).
"""

"""What can be done with biasing runs: cell, zero of the current, views, results, import of any text table.

Here: verbs and jobs over snapshots. Not here: numbers (`analysis.cycling`), lanes (`desk.lanes`).
"""

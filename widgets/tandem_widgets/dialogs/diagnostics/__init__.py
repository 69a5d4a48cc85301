"""The list of what is wrong with a session, with a fix for each.

Here: showing findings and asking. Not here: finding and fixing (`desk.diagnostics`). The shell comes in.
"""

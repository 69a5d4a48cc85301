"""What is wrong with a session and how to fix it: one list of findings, each with its fix.

Here: findings about streams and results, fixes, reading changed files again. Not here: the file's own integrity
(`storage.check`).
"""

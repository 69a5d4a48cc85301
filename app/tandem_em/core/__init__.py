"""Ground floor: jobs, notices, texts, benchmark. They know nothing of the project.

Here: a job and its runner, what people are told, numbers as people read them, timing side by side. Not here: anything
about sessions, files or instruments; Qt. Everybody comes in.
"""

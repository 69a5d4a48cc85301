"""TandEM: operando TEM of batteries, three streams linked in time.

Here: the core, from the ground (jobs, notices) up to the desk and the command line. No Qt anywhere in it
except behind the front door (`__main__`). Start reading at docs/architecture.md.
"""

__version__ = "0.1.0"

"""Numbers as people read them, for widgets: the same texts the command line and the figures use."""

from tandem_em.texts import byte_size, duration, figure, prefix_for, quantity

__all__ = ["byte_size", "duration", "figure", "prefix_for", "quantity"]

"""The size of a block of samples. Beside `levels`, so that its kernels know it before they are compiled."""

from __future__ import annotations

BLOCK = 128
"""Samples whose smallest and largest are kept together."""

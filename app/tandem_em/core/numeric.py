"""Names for the arrays that signatures speak of: one place for what is a float64 array, a mask, any array."""

from __future__ import annotations

from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
"""True or False for each element: a mask, what was found, what counts."""
AnyArray = NDArray[Any]
"""An array whose numbers may be of any type."""

AxisIndex = int | slice | EllipsisType
Index = AxisIndex | tuple[AxisIndex, ...]
"""What picks a part of an array by place: numpy's basic index, so that nothing but the part is read."""

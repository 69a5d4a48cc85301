"""What we use of h5py, said in types: h5py itself has none, and a signature must not import it.

A member of a group is a group or a data set, and only the layout of the file says which: so `group[name]` and the
values of attributes are `Any`, and the function they are handed to names what it wants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from tandem_em.core.numeric import AnyArray, Index

if TYPE_CHECKING:
    from typing_extensions import TypeIs


class H5Attributes(Protocol):
    """The attributes of a group or a data set."""

    def __getitem__(self, name: str, /) -> Any: ...
    def __setitem__(self, name: str, value: object, /) -> None: ...
    def __delitem__(self, name: str, /) -> None: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def get(self, name: str, default: object = None, /) -> Any:
        """The value of an attribute; `default` when there is none."""

    def get_id(self, name: str, /) -> Any:
        """HDF5's own handle of an attribute, for its type and size."""

    def create(self, name: str, data: object, *, dtype: DTypeLike | None = None) -> None:
        """Write an attribute with a type of one's own choice; an older one of that name is replaced."""


class H5Object(Protocol):
    """A group or a data set."""

    @property
    def name(self) -> str:
        """Its path in the file, beginning with a slash."""

    @property
    def attrs(self) -> H5Attributes:
        """What is written at it by name."""

    @property
    def file(self) -> H5File:
        """The open file it belongs to."""

    @property
    def parent(self) -> H5Group:
        """The group that holds it."""

    @property
    def id(self) -> Any:
        """The handle of HDF5's own functions (`h5py.h5d`, `h5py.h5g`, …)."""


class H5Group(H5Object, Protocol):
    """Named members: groups and data sets."""

    def __getitem__(self, name: str, /) -> Any: ...
    def __setitem__(self, name: str, value: object, /) -> None: ...
    def __delitem__(self, name: str, /) -> None: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def keys(self) -> Any:
        """The names of the members."""

    def values(self) -> Any:
        """The members themselves; each is opened."""

    def items(self) -> Any:
        """Name and member, one pair after the other."""

    def get(self, name: str, default: object = None, *, getlink: bool = False) -> Any:
        """A member, or `default`; with `getlink` the link instead of what it leads to."""

    def create_group(self, name: str, *, track_order: bool | None = None) -> H5Group:
        """A new group; ValueError when the name is taken."""

    def require_group(self, name: str, /) -> H5Group:
        """The group of this name, made if it is missing."""

    def move(self, source: str, dest: str, /) -> None:
        """Give a member another path; its data stay where they are."""

    def visititems(self, visit: Callable[[str, Any], object], /) -> object:
        """Call `visit(path, member)` for all below; stops at the first answer that is not None."""

    def create_dataset(
        self,
        name: str,
        shape: tuple[int, ...] | None = None,
        dtype: DTypeLike | None = None,
        data: object = None,
        **options: object,
    ) -> H5Dataset:
        """A new data set; `options` as in h5py: maxshape, chunks, compression, external, …"""


class H5File(H5Group, Protocol):
    """The root group of an open file."""

    @property
    def filename(self) -> str:
        """Path of the file as it was opened."""

    def flush(self) -> None:
        """Hand everything to the operating system; nothing is synced to the disk by this."""

    def close(self) -> None:
        """Close the file and all that was opened from it."""


class H5Dataset(H5Object, Protocol):
    """An array in a file, or one value (`shape == ()`)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its present size; `()` for one value."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one element, as in the file."""

    @property
    def ndim(self) -> int:
        """How many axes it has."""

    @property
    def size(self) -> int:
        """How many elements it has."""

    @property
    def nbytes(self) -> int:
        """Bytes of the elements when unpacked; compressed it takes fewer in the file."""

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Shape of the pieces it is stored in; None when it lies in one piece."""

    @property
    def maxshape(self) -> tuple[int | None, ...]:
        """How far it may grow along each axis; None along an axis: without end."""

    @property
    def compression(self) -> str | None:
        """Name of the filter; None when it is stored as it is."""

    @property
    def compression_opts(self) -> object:
        """What the filter was set to, e.g. the level of gzip; None without one."""

    @property
    def shuffle(self) -> bool:
        """Whether bytes of equal weight lie together before they are compressed."""

    @property
    def external(self) -> list[tuple[str, int, int]] | None:
        """File, offset and bytes of each piece that lies outside; None when it lies in here."""

    @property
    def is_virtual(self) -> bool:
        """Whether it is put together from data sets of other files."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> AnyArray: ...
    def __getitem__(self, index: Index | str | AnyArray, /) -> Any: ...
    def __setitem__(self, index: Index | str, value: ArrayLike, /) -> None: ...
    @overload
    def resize(self, size: int, /, axis: int) -> None:
        """One axis to another length."""

    @overload
    def resize(self, size: tuple[int, ...], /) -> None:
        """All axes at once."""

    def asstr(self, encoding: str | None = None, errors: str = "strict") -> Any:
        """The same data set, read as text instead of bytes."""


def is_group(member: H5Dataset | H5Group) -> TypeIs[H5Group]:
    """Whether a member of a group has members of its own."""
    return hasattr(member, "keys")


class H5GroupId(Protocol):
    """A group in HDF5's own functions: its names are bytes."""

    @property
    def links(self) -> Any:
        """The links of the group, which can be asked without opening what they lead to."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...


class H5DatasetId(Protocol):
    """A data set in HDF5's own functions."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its present size."""

    def get_create_plist(self) -> Any:
        """How it was created: layout, filters, external files."""

    def get_type(self) -> H5TypeId:
        """The type of its elements as the file has it."""

    def get_storage_size(self) -> int:
        """Bytes it takes in the file; 0 while nothing was written."""


class H5TypeId(Protocol):
    """A data type in HDF5's own functions."""

    def get_size(self) -> int:
        """Bytes of one element."""

    def get_nmembers(self) -> int:
        """How many fields a compound type has."""

    def get_member_type(self, number: int, /) -> H5TypeId:
        """The type of a field of a compound, counted from 0."""

    def get_super(self) -> H5TypeId:
        """The type that an array, an enumeration or a variable length is made of."""

"""The tree of administrative areas: province, kota, kecamatan, kelurahan, or whatever another city has."""

from camctl.areas.tree import Area, AreaError, AreaTree, UnknownAreaError, load_csv, load_jakarta

__all__ = ["Area", "AreaError", "AreaTree", "UnknownAreaError", "load_csv", "load_jakarta"]

"""The former place of :mod:`graphlearn.proteins`."""

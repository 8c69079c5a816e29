"""Is this installation sound, and what to type where it is not?"""

from graphlearn.hub.doctor.check import Finding
from graphlearn.hub.doctor.run import examine

__all__ = ["Finding", "examine"]

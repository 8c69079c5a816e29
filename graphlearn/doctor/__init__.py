"""Is this installation sound, and what to type where it is not?"""

from graphlearn.doctor.examination import examine
from graphlearn.doctor.finding import Finding

__all__ = ["Finding", "examine"]

"""Is this installation sound, and what to type where it is not?"""

from graphlearn.hub.doctor.check import Check
from graphlearn.hub.doctor.run import run_checks

__all__ = ["Check", "run_checks"]

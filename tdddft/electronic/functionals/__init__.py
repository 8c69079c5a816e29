"""Semilocal exchange-correlation functionals: closed forms on tensors, everything else through libxc."""

from __future__ import annotations

from tdddft.electronic.functionals.semilocal import Semilocal, check_functional, exact_exchange, xc_kernel

__all__ = ["Semilocal", "check_functional", "exact_exchange", "xc_kernel"]

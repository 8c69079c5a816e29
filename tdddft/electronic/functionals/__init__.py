"""Semilocal exchange-correlation functionals: closed forms on tensors, everything else through libxc."""

"""Electronic structure: method, ground state, and the time-dependent Hamiltonian."""

"""The fast engine, compiled by numba; it must equal the reference."""

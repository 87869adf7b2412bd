"""The exact neighbor search, in forms for CPUs, one device and many."""

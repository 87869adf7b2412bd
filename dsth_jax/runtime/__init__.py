"""Processes, devices, memory and the files that a run leaves."""

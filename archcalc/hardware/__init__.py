"""Devices, and the least time that a network takes on one."""

"""Routing: which edge takes a call, whether it may be repeated, when to wait. Pure; see ``balancer.py``."""

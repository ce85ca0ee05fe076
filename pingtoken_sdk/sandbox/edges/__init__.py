"""The platform's edges: relays on ports of their own, and the faults they can be told to have."""

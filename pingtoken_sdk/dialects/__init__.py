"""How deployments speak: what their error codes mean. Pure data and functions."""

"""Months of history for two demo accounts, made when the platform starts: a small team and an enterprise."""

"""A whole platform on this machine: real sockets, real tokens, a real ledger, and faults on demand.

Run it as ``python -m pingtoken_sdk.sandbox``; tests reach it through :mod:`pingtoken_sdk.testing`. It bills by
its own counting, framing and rounding, and shares nothing with the client but the token vocabularies: otherwise
an agreement between the two would prove nothing.
"""

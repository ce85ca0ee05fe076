"""The commands over the account: ``account``, ``balance``, ``keys``, ``usage``, ``bills``, ``calls``, ``notices``,
``feedback``, ``agreements``.

For a person each prints a table or a list of facts, fitted to the terminal where there is one and whole elsewhere;
remarks go to standard error. ``--json`` prints one document, and a line for each object where a list may be long
(``calls list``, ``balance transactions``, ``bills lines``): those lists, and all of ``--csv``, are written as they
come, in constant memory.
"""

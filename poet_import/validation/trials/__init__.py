"""Trials: O and O′ beside each other on the same inputs, each in a jailed child of its own.

`draw`, `texts`, `canon`, `doubles` and `driver` run in the child and import nothing of ours but each other; `specs`,
`literals` and `extract` run in the parent and tell the child what to do.
"""

"""The everyday jobs as Python functions: index, search, similar, tag, embed, evaluate."""

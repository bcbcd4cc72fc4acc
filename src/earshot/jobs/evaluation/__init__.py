"""What `earshot evaluate` is made of: one task a file, and how results are shown."""

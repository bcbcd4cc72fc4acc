"""Published sets as they lie on disk after the official download, one file each."""

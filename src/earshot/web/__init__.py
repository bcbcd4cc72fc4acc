"""The page and the JSON API over an index: search, listen, tag and embed from a browser."""

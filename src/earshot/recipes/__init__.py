"""One paper a file: its docstring maps equations to parts, its code wires them."""

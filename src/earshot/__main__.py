"""`python -m earshot` is `earshot`."""

from earshot.cli.main import main

if __name__ == "__main__":
    main()

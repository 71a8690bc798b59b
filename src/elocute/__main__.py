"""``python -m elocute``: the command line."""

from elocute.cli import main

if __name__ == "__main__":
    main()

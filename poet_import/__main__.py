"""``python -m poet_import …`` is the ``poet`` command."""

from poet_import.cli import main

if __name__ == "__main__":
    main()

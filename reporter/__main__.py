"""`python -m reporter`: the same as the command `cce-precheck`."""

from reporter.cli import main

if __name__ == "__main__":
    main()

"""The console script: one verb per file, exit codes of the contract."""


def main() -> None:
    """Run the command line."""

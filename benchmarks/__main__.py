"""`python -m benchmarks`: run them, print ratios, keep Markdown in benchmarks/results/."""

import argparse

from benchmarks import predict


def main() -> None:
    """Run every benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each server and load in a round")
    options = parser.parse_args()
    report = predict.compare(options.rounds, options.seconds)
    print(report)
    print(f"Kept in {predict.save(report)}")


main()

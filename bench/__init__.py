"""How fast it is, as ratios measured in one run on one machine; `python -m bench` writes docs/benchmarks.md."""

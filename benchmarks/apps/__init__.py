"""Programs that benchmarks start in a pseudo-terminal."""

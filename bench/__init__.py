"""Benchmarks, each with its peer or limit measured in the same run. They judge nothing: no test looks at the time."""

"""Measurements, each beside a rival's in the same run. One module a subject; `python -m bench.NAME`."""

"""A street of simulated ONVIF cameras: motors, lens and picture computed, everything else on the wire for real."""

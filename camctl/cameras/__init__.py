"""One live session per camera: the I/O shell around its arbiter and its driver."""

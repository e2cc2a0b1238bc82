"""`camctl demo`: a street of simulated cameras and the real service beside it, each in a process of its own."""

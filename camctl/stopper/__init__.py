"""The dead man's hand: a small process that stops moving cameras when the one that controls them has died."""

"""The camera control service: who may see and turn which camera, and what stops it."""

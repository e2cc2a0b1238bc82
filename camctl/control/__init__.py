"""Control in a process of its own: arbiters, camera sessions and patrols there, their mirror in the API process."""

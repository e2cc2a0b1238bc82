"""Who may move a camera and what is sent to it, decided in pure code: events and `now` in, actions out."""

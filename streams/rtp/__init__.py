"""RTP packets and H.264 payloads: pure functions over bytes."""

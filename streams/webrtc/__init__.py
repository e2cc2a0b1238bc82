"""WebRTC sessions over one UDP port. The only package that knows aiortc, aioice and pylibsrtp."""

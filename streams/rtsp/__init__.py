"""RTSP 1.0 (RFC 2326): a sans-I/O protocol with a thin asyncio client and server around it."""

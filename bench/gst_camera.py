"""The camera of `relay`: gst-rtsp-server, run by the system's Python, which has its bindings.

    /usr/bin/python3 gst_camera.py [PORT]

Prints the address that it serves; ends when its standard input does. H.264 at 2 Mb/s and 25 fps, a key frame each
second: a still, detailed picture, which makes key frames large, with a busy part that gives the others their size. The
picture is small since only bytes count here, and encoding shares a core with the viewers.
"""

import sys

import gi  # type: ignore[import-not-found]  # of the system's Python

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402  versions first

WIDTH, HEIGHT, FPS, KBPS = 448, 252, 25, 2000
STILL = f"video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FPS}/1"
BUSY = f"video/x-raw,format=I420,width=112,height=84,framerate={FPS}/1"

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1] if len(sys.argv) > 1 else "0")
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f"( compositor name=street sink_1::xpos={WIDTH // 2} sink_1::ypos={HEIGHT // 2} ! {STILL}"
    " ! x264enc tune=zerolatency speed-preset=ultrafast bframes=0"
    f" bitrate={KBPS} vbv-buf-capacity=1000 key-int-max={FPS}"
    " ! video/x-h264,profile=constrained-baseline ! rtph264pay name=pay0 pt=96 config-interval=1 mtu=1200"
    f" videotestsrc pattern=snow num-buffers=1 ! {STILL} ! imagefreeze is-live=true ! {STILL} ! street.sink_0"
    f" videotestsrc pattern=snow is-live=true ! {BUSY} ! street.sink_1 )"
)
factory.set_shared(True)
server.get_mount_points().add_factory("/cam", factory)
if not server.attach(None):
    raise SystemExit("cannot listen")
loop = GLib.MainLoop()
GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: loop.quit())
print(f"rtsp://127.0.0.1:{server.get_bound_port()}/cam", flush=True)
loop.run()

"""A camera that nobody here wrote: gst-rtsp-server, run by the system's Python (see its imports).

    /usr/bin/python3 gst_rtsp_camera.py [--codec h264|h265] [--profile NAME] [--port 0]
        [--user U --password P --auth digest|basic]

Prints its port as the first line; serves rtsp://127.0.0.1:<port>/cam: 320x180, 25 fps, a key frame each second.
"""

import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--codec", choices=("h264", "h265"), default="h264")
parser.add_argument("--profile", default="")
parser.add_argument("--port", default="0")
parser.add_argument("--user")
parser.add_argument("--password", default="")
parser.add_argument("--auth", choices=("digest", "basic"), default="digest")
options = parser.parse_args()

profiles = {"h264": "constrained-baseline", "h265": "main"}
encoders = {
    "h264": "x264enc tune=zerolatency speed-preset=veryfast key-int-max=25 bframes=0",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=25 log-level=0",
}
codec = options.codec
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(options.port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=180,framerate=25/1"
    f" ! {encoders[codec]} ! video/x-{codec},profile={options.profile or profiles[codec]}"
    f" ! rtp{codec}pay name=pay0 pt=96 mtu=1400 )"  # no config-interval: parameter sets come in the description only
)
factory.set_shared(True)
server.get_mount_points().add_factory("/cam", factory)

if options.user:
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    permissions = GstRtspServer.RTSPPermissions()
    for permission in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role("user", permission, True)
    factory.set_permissions(permissions)
    auth = GstRtspServer.RTSPAuth()
    if options.auth == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(options.user, options.password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(options.user, options.password), token)
    server.set_auth(auth)

if not server.attach(None):
    raise SystemExit("cannot listen")
print(server.get_bound_port(), flush=True)  # noqa: T201  # what the test waits for
GLib.MainLoop().run()

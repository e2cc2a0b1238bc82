"""A camera that nobody here wrote: gst-rtsp-server, run by the system's Python (see its imports).

    /usr/bin/python3 gst_rtsp_camera.py [--codec h264|h265|jpeg] [--profile NAME] [--bframes N] [--size WxH] [--fps N]
        [--kbps N] [--pattern NAME] [--audio] [--udp-only] [--certificate FILE --key FILE]
        [--port 0] [--user U --password P --auth digest|basic]

Prints its port as the first line; serves rtsp://127.0.0.1:<port>/cam (rtsps:// with a certificate): a key frame each
second; 320x180 and 25 fps unless told otherwise.
"""

import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--codec", choices=("h264", "h265", "jpeg"), default="h264")
parser.add_argument("--profile", default="")
parser.add_argument("--bframes", type=int, default=0)
parser.add_argument("--size", default="320x180")
parser.add_argument("--fps", type=int, default=25)
parser.add_argument("--kbps", type=int, default=2000)
parser.add_argument("--pattern", default="ball")
parser.add_argument("--audio", action="store_true")
parser.add_argument("--udp-only", action="store_true")
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--port", default="0")
parser.add_argument("--user")
parser.add_argument("--password", default="")
parser.add_argument("--auth", choices=("digest", "basic"), default="digest")
options = parser.parse_args()

tuning = "" if options.bframes else "tune=zerolatency"  # which has no B-frames
tuning += f" bitrate={options.kbps} key-int-max={options.fps}"
encoders = {
    "h264": f"x264enc {tuning} speed-preset=veryfast bframes={options.bframes}",
    "h265": f"x265enc {tuning} speed-preset=ultrafast log-level=0",
    "jpeg": "jpegenc",
}
profiles = {"h264": "constrained-baseline", "h265": "main"}
coded = {"h264": "video/x-h264,profile=", "h265": "video/x-h265,profile=", "jpeg": "image/jpeg"}
width, height = options.size.split("x")
raw = f"video/x-raw,format=I420,width={width},height={height},framerate={options.fps}/1"
audio = "audiotestsrc is-live=true wave=ticks ! mulawenc ! rtppcmupay name=pay1 pt=0" if options.audio else ""
codec = options.codec
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(options.port)
factory = GstRtspServer.RTSPMediaFactory()
# No config-interval: parameter sets come in the description only.
factory.set_launch(
    f"( videotestsrc is-live=true pattern={options.pattern} ! {raw}"
    f" ! {encoders[codec]} ! {coded[codec]}{options.profile or profiles.get(codec, '')}"
    f" ! rtp{codec}pay name=pay0 pt={26 if codec == 'jpeg' else 96} mtu=1400 {audio} )"
)
factory.set_shared(True)
if options.udp_only:
    factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
server.get_mount_points().add_factory("/cam", factory)

auth = GstRtspServer.RTSPAuth()
if options.user:
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    permissions = GstRtspServer.RTSPPermissions()
    for permission in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role("user", permission, True)
    factory.set_permissions(permissions)
    if options.auth == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(options.user, options.password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(options.user, options.password), token)
if options.certificate:
    auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(options.certificate, options.key))
if options.user or options.certificate:
    server.set_auth(auth)

if not server.attach(None):
    raise SystemExit("cannot listen")
print(server.get_bound_port(), flush=True)  # noqa: T201  # what the test waits for
GLib.MainLoop().run()

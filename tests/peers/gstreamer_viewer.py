"""A viewer made of GStreamer's webrtcbin, run by the system's Python: gives an offer, takes the answer, counts frames.

    /usr/bin/python3 gstreamer_viewer.py CAPS

CAPS is what it offers, H264 or H265, or both with a semicolon between them; it decodes what comes.
Lines on standard output are JSON: {"offer": sdp}, then {"frames": n, "width": w, "height": h} or {"error": text}.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

FRAMES = 20
Gst.init(None)
loop = GLib.MainLoop()
pipeline = Gst.Pipeline.new("viewer")
webrtc = Gst.ElementFactory.make("webrtcbin", "webrtc")
webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
pipeline.add(webrtc)
seen: list[int] = []
kept: list[Any] = []  # promises and replies: the bindings free what nobody holds


def say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def count(pad: Any, _: Any) -> Any:
    seen.append(1)
    if len(seen) == FRAMES:
        shape = pad.get_current_caps().get_structure(0)
        say(frames=len(seen), width=shape.get_value("width"), height=shape.get_value("height"))
        GLib.idle_add(loop.quit)
    return Gst.PadProbeReturn.OK


def on_pad(_: Any, pad: Any) -> None:
    codec = pad.get_current_caps().get_structure(0).get_string("encoding-name").lower()
    decoding = f"rtp{codec}depay ! {codec}parse ! avdec_{codec}"
    chain = Gst.parse_bin_from_description(f"{decoding} ! fakesink name=end sync=false", True)
    pipeline.add(chain)
    chain.get_by_name("end").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, count)
    chain.sync_state_with_parent()
    pad.link(chain.get_static_pad("sink"))


def on_answer() -> bool:
    text = json.loads(sys.stdin.readline())["answer"]
    _, message = GstSdp.SDPMessage.new_from_text(text)
    answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
    kept.append(answer)
    webrtc.emit("set-remote-description", answer, None)
    return False


def on_offer(promise: Any, _: Any) -> None:
    reply = promise.get_reply()
    kept.append(reply)
    offer = reply.get_value("offer")
    kept.append(offer)
    webrtc.emit("set-local-description", offer, None)
    say(offer=offer.sdp.as_text())
    GLib.idle_add(on_answer)


def begin() -> bool:
    promise = Gst.Promise.new_with_change_func(on_offer, None)
    kept.append(promise)
    webrtc.emit("create-offer", None, promise)
    return False


def on_message(_: Any, message: Any) -> None:
    if message.type == Gst.MessageType.ERROR:
        say(error=str(message.parse_error()[0]))
        loop.quit()


pipeline.get_bus().add_signal_watch()
pipeline.get_bus().connect("message", on_message)
webrtc.connect("pad-added", on_pad)
caps = Gst.Caps.from_string(sys.argv[1])
kept.append(webrtc.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, caps))
pipeline.set_state(Gst.State.PLAYING)
GLib.idle_add(begin)
GLib.timeout_add_seconds(20, loop.quit)
loop.run()
pipeline.set_state(Gst.State.NULL)

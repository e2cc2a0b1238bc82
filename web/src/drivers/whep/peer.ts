/** The browser's side of one WHEP session: what is asked of RTCPeerConnection, in one place. */

/** H.264 first: cameras send it, and the service passes it through as it is. */
function preferH264(transceiver: RTCRtpTransceiver): void {
  const known = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
  const rank = (codec: { readonly mimeType: string }): number => (codec.mimeType.toLowerCase() === "video/h264" ? 0 : 1);
  const ordered = [...known].sort((a, b) => rank(a) - rank(b));
  if (ordered.length > 0 && "setCodecPreferences" in transceiver) transceiver.setCodecPreferences(ordered);
}

/** A connection that wants one video and nothing else, with as little waiting in its jitter buffer as it can; null without WebRTC. */
export function recvonlyPeer(): RTCPeerConnection | null {
  if (!("RTCPeerConnection" in globalThis)) return null;
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [] });
  const transceiver = peer.addTransceiver("video", { direction: "recvonly" });
  preferH264(transceiver);
  const receiver: RTCRtpReceiver & { jitterBufferTarget?: number | null } = transceiver.receiver;
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  return peer;
}

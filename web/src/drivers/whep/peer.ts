/** The browser's side of one WHEP session: what is asked of RTCPeerConnection, in one place. */

/** H.264 first: cameras send it, and the service passes it through as it is. */
function preferH264(transceiver: RTCRtpTransceiver): void {
  const known = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
  const rank = (codec: { readonly mimeType: string }): number => (codec.mimeType.toLowerCase() === "video/h264" ? 0 : 1);
  const ordered = [...known].sort((a, b) => rank(a) - rank(b));
  if (ordered.length > 0 && "setCodecPreferences" in transceiver) transceiver.setCodecPreferences(ordered);
}

const PASSED_ON = new Set(["audio/pcmu", "audio/pcma"]);

/** Sound as cameras send it; every browser takes that (RFC 7874). */
function addSound(connection: RTCPeerConnection): void {
  const transceiver = connection.addTransceiver("audio", { direction: "recvonly" });
  const known = (RTCRtpReceiver.getCapabilities("audio")?.codecs ?? []).filter(({ mimeType }) => PASSED_ON.has(mimeType.toLowerCase()));
  if (known.length > 0 && "setCodecPreferences" in transceiver) transceiver.setCodecPreferences(known);
}

export interface PeerWishes {
  readonly withControl: boolean;
  readonly withSound: boolean;
}

/** A connection, and its channel for commands when one was asked for. */
export interface Peer {
  readonly connection: RTCPeerConnection;
  readonly control: RTCDataChannel | null;
  /** For how long the browser may hold pictures back, for packets that come late or again; a wish, where it is known. */
  readonly hold: (ms: number) => void;
}

/**
 * A connection that wants one video, with as little waiting in its jitter buffer as it can; null without WebRTC.
 * `withControl`: also a channel for commands, in which nothing waits for anything: unordered, never repeated.
 */
export function recvonlyPeer({ withControl, withSound }: PeerWishes, relays: readonly RTCIceServer[]): Peer | null {
  if (!("RTCPeerConnection" in globalThis)) return null;
  const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [...relays] });
  const transceiver = connection.addTransceiver("video", { direction: "recvonly" });
  preferH264(transceiver);
  const receiver: RTCRtpReceiver & { jitterBufferTarget?: number | null } = transceiver.receiver;
  const hold = (ms: number): void => {
    if ("jitterBufferTarget" in receiver && receiver.jitterBufferTarget !== ms) receiver.jitterBufferTarget = ms;
  };
  hold(0);
  if (withSound) addSound(connection);
  const control = withControl ? connection.createDataChannel("control", { ordered: false, maxRetransmits: 0 }) : null;
  return { connection, control, hold };
}

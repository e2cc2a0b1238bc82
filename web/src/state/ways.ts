/** The drivers of one camera's picture, as this browser has them. */

import { askQuality, showVideo, type Demand } from "../api/video";
import { endWhep, feedAddress, jpegs, restartWhep, whep } from "../api/calls";
import type { ControlChannel } from "../drivers/control/datagram-lane";
import { mediaSourceClass } from "../drivers/feed/feed-player";
import { JpegDriver } from "../drivers/feed/jpeg-driver";
import { NetworkMemory } from "../drivers/feed/ladder";
import { browserMse, MseDriver } from "../drivers/feed/mse-driver";
import type { PicturePort } from "../drivers/feed/picture-driver";
import { browserPeer, WhepDriver } from "../drivers/whep/whep-driver";

/** Of the network that this phone is in; shared by all cameras that are opened. */
const memory = new NetworkMemory();

export interface WaysOptions {
  /** Whether this camera may be steered. */
  readonly wantsControl: () => boolean;
  /** What is wanted of the camera's streams now. */
  readonly demand: () => Demand;
  /** Whether this camera is to be heard. */
  readonly wantsSound: () => boolean;
  /** As the WHEP driver says them. */
  readonly onSound: (stream: MediaStream | null) => void;
  readonly onChannel: (channel: ControlChannel | null) => void;
}

export function browserWays(id: string, { wantsControl, wantsSound, demand, onChannel, onSound }: WaysOptions): PicturePort {
  return {
    support: { webrtc: "RTCPeerConnection" in globalThis, mse: mediaSourceClass() !== null && "WebSocket" in globalThis },
    memory,
    make: (way, events) => {
      switch (way) {
        case "webrtc":
          return new WhepDriver(
            {
              offer: (sdp) => whep(id, sdp, demand()),
              restart: restartWhep,
              end: (session) => void endWhep(session),
              show: showVideo,
              ask: (session) => askQuality(session, demand()),
              ...browserPeer(() => ({ withControl: wantsControl(), withSound: wantsSound() })),
            },
            { ...events, onStream: (stream) => events.onSource(stream === null ? null : { kind: "stream", stream }), onChannel, onSound },
          );
        case "mse":
          return new MseDriver({ address: (quality) => feedAddress(id, quality), wish: () => demand().wish, ...browserMse() }, events);
        case "jpeg":
          return new JpegDriver(
            { open: (signal) => jpegs(id, signal), makeUrl: (picture) => URL.createObjectURL(picture), dropUrl: (url) => URL.revokeObjectURL(url) },
            events,
          );
      }
    },
  };
}

/** What the page knows of relays: it is one phone in one network, whichever camera it looks at. */

export class Relays {
  /** As the service named them last, with credentials that are good for some hours. */
  servers: readonly RTCIceServer[] = [];
  /** No straight way was found in this network: begin with the relays. */
  areNeeded = false;
}

export const pageRelays = new Relays();

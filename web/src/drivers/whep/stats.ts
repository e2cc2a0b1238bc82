/** What getStats tells about delay and life of the picture. Pure: reports in, figures out. */

export interface VideoSample {
  readonly framesDecoded: number;
  /** Sum over all emitted frames of the seconds each waited in the jitter buffer, and how many there were. */
  readonly bufferDelayS: number;
  readonly emitted: number;
  /** Packets of the picture; of those that are lost some come again. */
  readonly received: number;
  readonly lost: number;
  /** Of the newest picture; 0 before the first one. */
  readonly heightPx: number;
  /** Of the chosen path, null while it is not measured. */
  readonly roundTripS: number | null;
}

type Entry = Readonly<Record<string, unknown>>;

function numberIn(entry: Entry | undefined, key: string): number | null {
  const value = entry?.[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function countIn(entry: Entry, key: string): number {
  return numberIn(entry, key) ?? 0;
}

/** The report's video figures; null before the first packet. */
export function sampleOf(entries: Iterable<unknown>): VideoSample | null {
  let video: Entry | undefined;
  let pair: Entry | undefined;
  for (const item of entries) {
    const entry = item as Entry;
    if (entry["type"] === "inbound-rtp" && entry["kind"] === "video") video = entry;
    if (entry["type"] === "candidate-pair" && entry["state"] === "succeeded" && (pair === undefined || entry["nominated"] === true)) pair = entry;
  }
  if (video === undefined) return null;
  return {
    framesDecoded: countIn(video, "framesDecoded"),
    bufferDelayS: countIn(video, "jitterBufferDelay"),
    emitted: countIn(video, "jitterBufferEmittedCount"),
    received: countIn(video, "packetsReceived"),
    lost: countIn(video, "packetsLost"),
    heightPx: countIn(video, "frameHeight"),
    roundTripS: numberIn(pair, "currentRoundTripTime"),
  };
}

/**
 * Delay of the picture from the service to the eye, in ms: the jitter buffer's mean wait between two samples plus half
 * a round trip. The camera's own encoding and its way to the service are not in it: nobody here can see them.
 */
export function delayMs(before: VideoSample, now: VideoSample): number | null {
  const frames = now.emitted - before.emitted;
  if (frames <= 0) return null;
  const bufferS = (now.bufferDelayS - before.bufferDelayS) / frames;
  return Math.round((Math.max(0, bufferS) + (now.roundTripS ?? 0) / 2) * 1000);
}

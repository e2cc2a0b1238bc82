/** The parts of a multipart/x-mixed-replace answer as they come. Pure: bytes in, parts out. */

export interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
}

const MOST_HEAD_BYTES = 4_096;
const MOST_BODY_BYTES = 4_194_304;
const HEAD_END = [13, 10, 13, 10];

export class MultipartError extends Error {}

/** Reads parts that say their length; what lies between them (delimiters) is skipped. */
export class MultipartReader {
  private waiting = new Uint8Array(0);

  /** The parts that are complete with this piece; throws MultipartError for what is none. */
  push(piece: Uint8Array): Part[] {
    const joined = new Uint8Array(this.waiting.length + piece.length);
    joined.set(this.waiting);
    joined.set(piece, this.waiting.length);
    this.waiting = joined;
    const parts: Part[] = [];
    for (let part = this.next(); part !== null; part = this.next()) parts.push(part);
    return parts;
  }

  private next(): Part | null {
    const end = headEnd(this.waiting);
    if (end === null) {
      if (this.waiting.length > MOST_HEAD_BYTES) throw new MultipartError("a part without an end of its head");
      return null;
    }
    const headers = readHead(new TextDecoder().decode(this.waiting.subarray(0, end)));
    const length = Number(headers.get("content-length") ?? "x");
    if (!Number.isInteger(length) || length < 0 || length > MOST_BODY_BYTES) throw new MultipartError("a part of no known length");
    if (this.waiting.length < end + length) return null;
    const body = this.waiting.slice(end, end + length);
    this.waiting = this.waiting.slice(end + length);
    return { headers, body };
  }
}

function headEnd(data: Uint8Array): number | null {
  for (let at = data.indexOf(13); at >= 0 && at + 4 <= data.length && at < MOST_HEAD_BYTES; at = data.indexOf(13, at + 1)) {
    if (HEAD_END.every((byte, index) => data[at + index] === byte)) return at + 4;
  }
  return null;
}

function readHead(text: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

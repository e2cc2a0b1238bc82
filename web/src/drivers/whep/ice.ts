/** The text of ICE: what a restart sends and takes, and the relays that an answer names. Pure. */

/** The offer's ICE credentials as a fragment for PATCH (RFC 8840, RFC 9725 section 4.3.3); null when it has none. */
export function restartFragment(offer: string): string | null {
  const ufrag = /^a=ice-ufrag:.*$/m.exec(offer)?.[0].trim();
  const password = /^a=ice-pwd:.*$/m.exec(offer)?.[0].trim();
  const section = /^m=(\S+) /m.exec(offer)?.[1];
  const mid = /^a=mid:.*$/m.exec(offer)?.[0].trim();
  if (ufrag === undefined || password === undefined || section === undefined || mid === undefined) return null;
  return [ufrag, password, `m=${section} 9 RTP/AVP 0`, mid, ""].join("\r\n");
}

/** The answer with the credentials of the service's fragment in place of its own; null when the fragment has none. */
export function withCredentials(answer: string, fragment: string): string | null {
  const ufrag = /^a=ice-ufrag:.*$/m.exec(fragment)?.[0].trim();
  const password = /^a=ice-pwd:.*$/m.exec(fragment)?.[0].trim();
  if (ufrag === undefined || password === undefined) return null;
  return answer.replace(/^a=ice-ufrag:.*$/gm, () => ufrag).replace(/^a=ice-pwd:.*$/gm, () => password);
}

const LINK = /<([^>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:"[^"]*"|[^",;\s]*))*)/g;
const PARAMETER = /([\w-]+)\s*=\s*(?:"([^"]*)"|([^",;\s]*))/g;

/** The relays in a Link header (RFC 8288; rel="ice-server", draft-ietf-wish-whep section 4.6); others are left out. */
export function relaysIn(header: string | null): readonly RTCIceServer[] {
  return [...(header ?? "").matchAll(LINK)].flatMap(([, urls = "", rest = ""]) => relayOf(urls, parametersIn(rest)));
}

function parametersIn(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(PARAMETER)].map(([, name = "", quoted, plain]) => [name.toLowerCase(), quoted ?? plain ?? ""]));
}

function relayOf(urls: string, parameters: ReadonlyMap<string, string>): RTCIceServer[] {
  const username = parameters.get("username");
  const credential = parameters.get("credential");
  const isRelay = parameters.get("rel") === "ice-server" && /^turns?:/.test(urls);
  return isRelay && username !== undefined && credential !== undefined ? [{ urls, username, credential }] : [];
}

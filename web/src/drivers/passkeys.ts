/** The browser's passkeys (WebAuthn): the service's JSON to the browser's objects, and back. */

import { asNumber, asRecord, asString, listOf, type Fields, type Reader } from "../api/decode";

/** Why passkeys do not work at this address, or that they do. */
export type PasskeysHere = "yes" | "needs-name" | "needs-https" | "none";

const ADDRESS = /^[\d.]+$|^\[/;

export function passkeysAt(hostname: string, isSecure: boolean, hasApi: boolean): PasskeysHere {
  if (ADDRESS.test(hostname)) return "needs-name";
  if (!isSecure) return "needs-https";
  return hasApi ? "yes" : "none";
}

export function passkeysHere(): PasskeysHere {
  return passkeysAt(location.hostname, window.isSecureContext, "PublicKeyCredential" in window);
}

/** Whether the browser can offer passkeys among what it fills in. */
export async function canFillIn(): Promise<boolean> {
  if (passkeysHere() !== "yes" || !("isConditionalMediationAvailable" in PublicKeyCredential)) return false;
  return PublicKeyCredential.isConditionalMediationAvailable();
}

/** `aborted`: this page took it back; `cancelled`: the person did, or let it time out; `known`: there is one already. */
export type Asked = { readonly kind: "answer"; readonly answer: Fields } | { readonly kind: "aborted" | "cancelled" | "known" | "failed" };

export async function askPasskey(options: Fields, fillIn: boolean, signal?: AbortSignal): Promise<Asked> {
  const request: CredentialRequestOptions = { publicKey: askingOptions(options), ...(fillIn && { mediation: "conditional" }), ...(signal && { signal }) };
  return settled(() => navigator.credentials.get(request), provingAnswer);
}

export async function makePasskey(options: Fields): Promise<Asked> {
  return settled(() => navigator.credentials.create({ publicKey: makingOptions(options) }), madeAnswer);
}

async function settled(act: () => Promise<Credential | null>, read: (credential: PublicKeyCredential) => Fields): Promise<Asked> {
  try {
    const credential = await act();
    return credential instanceof PublicKeyCredential ? { kind: "answer", answer: read(credential) } : { kind: "failed" };
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    const kinds: Readonly<Record<string, "aborted" | "cancelled" | "known">> = { AbortError: "aborted", NotAllowedError: "cancelled", InvalidStateError: "known" };
    return { kind: kinds[error.name] ?? "failed" };
  }
}

export function toBytes(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function toBase64url(bytes: ArrayBuffer): string {
  const text = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const asBytes: Reader<Uint8Array<ArrayBuffer>> = (value, where) => toBytes(asString(value, where));

const asDescriptor: Reader<PublicKeyCredentialDescriptor> = (value, where) => ({ type: "public-key", id: asBytes(asRecord(value, where)["id"], where) });

const asParameter: Reader<PublicKeyCredentialParameters> = (value, where) => ({ type: "public-key", alg: asNumber(asRecord(value, where)["alg"], where) });

export function askingOptions(json: Fields): PublicKeyCredentialRequestOptions {
  return {
    challenge: asBytes(json["challenge"], "challenge"),
    rpId: asString(json["rpId"], "rpId"),
    timeout: asNumber(json["timeout"], "timeout"),
    allowCredentials: listOf(asDescriptor)(json["allowCredentials"] ?? [], "allowCredentials"),
    userVerification: "required",
  };
}

export function makingOptions(json: Fields): PublicKeyCredentialCreationOptions {
  const [rp, user] = [asRecord(json["rp"], "rp"), asRecord(json["user"], "user")];
  return {
    challenge: asBytes(json["challenge"], "challenge"),
    rp: { id: asString(rp["id"], "rp.id"), name: asString(rp["name"], "rp.name") },
    user: { id: asBytes(user["id"], "user.id"), name: asString(user["name"], "user.name"), displayName: asString(user["displayName"], "user.displayName") },
    pubKeyCredParams: listOf(asParameter)(json["pubKeyCredParams"], "pubKeyCredParams"),
    timeout: asNumber(json["timeout"], "timeout"),
    excludeCredentials: listOf(asDescriptor)(json["excludeCredentials"] ?? [], "excludeCredentials"),
    authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
    attestation: "none",
  };
}

function madeAnswer(made: PublicKeyCredential): Fields {
  const response = made.response as AuthenticatorAttestationResponse;
  return answer(made, { clientDataJSON: toBase64url(response.clientDataJSON), attestationObject: toBase64url(response.attestationObject) });
}

function provingAnswer(proof: PublicKeyCredential): Fields {
  const response = proof.response as AuthenticatorAssertionResponse;
  const handle = response.userHandle;
  return answer(proof, {
    clientDataJSON: toBase64url(response.clientDataJSON),
    authenticatorData: toBase64url(response.authenticatorData),
    signature: toBase64url(response.signature),
    ...(handle !== null && handle.byteLength > 0 && { userHandle: toBase64url(handle) }),
  });
}

function answer(credential: PublicKeyCredential, response: Fields): Fields {
  return { id: credential.id, rawId: toBase64url(credential.rawId), type: "public-key", response };
}

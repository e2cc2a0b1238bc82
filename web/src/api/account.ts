/** Requests about signing in and one's own account. */

import { asBoolean, asDate, asNumber, asRecord, asString, listOf, nullable, oneOf, type Fields, type Reader } from "./decode";
import { API, callJson, callNothing } from "./http";
import { readSignIn, type Person } from "./model";
import type { Result } from "./result";

/** How one may prove again who one is. */
export const WAYS = ["passkey", "code", "password"] as const;
export type Way = (typeof WAYS)[number];

export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly synced: boolean;
  /** Usable at this address. */
  readonly here: boolean;
  readonly lastUsed: Date | null;
}

export interface Account {
  readonly passkeys: readonly Passkey[];
  readonly password: boolean;
  readonly totp: boolean;
  readonly recoveryCodes: number;
}

export interface NewTotp {
  readonly secret: string;
  /** A data: address of an SVG. */
  readonly qr: string;
}

export interface Ways {
  readonly ways: readonly Way[];
  readonly options: Fields | null;
}

const readPasskey: Reader<Passkey> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    id: asString(fields["id"], `${where}.id`),
    name: asString(fields["name"], `${where}.name`),
    synced: asBoolean(fields["synced"], `${where}.synced`),
    here: asBoolean(fields["here"], `${where}.here`),
    lastUsed: nullable(asDate)(fields["last_used"], `${where}.last_used`),
  };
};

const readAccount: Reader<Account> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    passkeys: listOf(readPasskey)(fields["passkeys"], `${where}.passkeys`),
    password: asBoolean(fields["password"], `${where}.password`),
    totp: asBoolean(fields["totp"], `${where}.totp`),
    recoveryCodes: asNumber(fields["recovery_codes"], `${where}.recovery_codes`),
  };
};

const readOptions: Reader<Fields> = (value, where) => asRecord(asRecord(value, where)["options"], `${where}.options`);

const readTotp: Reader<NewTotp> = (value, where) => {
  const fields = asRecord(value, where);
  return { secret: asString(fields["secret"], `${where}.secret`), qr: asString(fields["qr"], `${where}.qr`) };
};

const readCodes: Reader<readonly string[]> = (value, where) => listOf(asString)(asRecord(value, where)["codes"], `${where}.codes`);

const readWays: Reader<Ways> = (value, where) => {
  const fields = asRecord(value, where);
  return { ways: knownWays(fields["ways"], `${where}.ways`), options: nullable(asRecord)(fields["options"], `${where}.options`) };
};

/** Those that this page knows. */
export const knownWays: Reader<readonly Way[]> = (value, where) => listOf(oneOf(WAYS, null))(value, where).filter((way) => way !== null);

export function passkeySignInOptions(signal?: AbortSignal): Promise<Result<Fields>> {
  return callJson(`${API}/auth/passkey/begin`, { method: "POST", ...(signal && { signal }) }, readOptions);
}

export function passkeySignIn(answer: Fields): Promise<Result<Person>> {
  return callJson(`${API}/auth/passkey/finish`, { method: "POST", json: { answer } }, readSignIn);
}

export function secondFactor(pending: string, code: string): Promise<Result<Person>> {
  return callJson(`${API}/auth/second-factor`, { method: "POST", json: { pending, code } }, readSignIn);
}

export function stepUpWays(): Promise<Result<Ways>> {
  return callJson(`${API}/auth/step-up/begin`, { method: "POST" }, readWays);
}

export type Proof = { readonly way: "passkey"; readonly answer: Fields } | { readonly way: "code"; readonly code: string } | { readonly way: "password"; readonly password: string };

export function stepUp(proof: Proof): Promise<Result<null>> {
  return callNothing(`${API}/auth/step-up/finish`, { method: "POST", json: { proof } });
}

export function account(): Promise<Result<Account>> {
  return callJson(`${API}/account`, {}, readAccount);
}

export function newPasskeyOptions(): Promise<Result<Fields>> {
  return callJson(`${API}/account/passkeys/begin`, { method: "POST" }, readOptions);
}

export function addPasskey(answer: Fields, name: string): Promise<Result<null>> {
  return callNothing(`${API}/account/passkeys`, { method: "POST", json: { answer, name } });
}

function passkeyPath(id: string): string {
  return `${API}/account/passkeys/${encodeURIComponent(id)}`;
}

export function renamePasskey(id: string, name: string): Promise<Result<null>> {
  return callNothing(passkeyPath(id), { method: "PATCH", json: { name } });
}

export function removePasskey(id: string): Promise<Result<null>> {
  return callNothing(passkeyPath(id), { method: "DELETE" });
}

export function beginTotp(): Promise<Result<NewTotp>> {
  return callJson(`${API}/account/totp/begin`, { method: "POST" }, readTotp);
}

export function confirmTotp(code: string): Promise<Result<readonly string[]>> {
  return callJson(`${API}/account/totp`, { method: "POST", json: { code } }, readCodes);
}

export function removeTotp(): Promise<Result<null>> {
  return callNothing(`${API}/account/totp`, { method: "DELETE" });
}

export function newRecoveryCodes(): Promise<Result<readonly string[]>> {
  return callJson(`${API}/account/recovery-codes`, { method: "POST" }, readCodes);
}

export function changePassword(old: string | null, next: string): Promise<Result<null>> {
  return callNothing(`${API}/account/password`, { method: "PUT", json: { old, new: next } });
}

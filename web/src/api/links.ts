/** One-time links, the first set-up, and one's own sessions, tokens and notices. */

import { asBoolean, asDate, asRecord, asString, type Fields, items, listOf, nullable, oneOf, type Reader } from "./decode";
import { API, callJson, callNothing } from "./http";
import { readSignIn, type Person } from "./model";
import type { Result } from "./result";

export interface Link {
  readonly kind: "invitation" | "recovery";
  /** Null: the invited choose it. */
  readonly username: string | null;
  readonly displayName: string;
  /** Empty: made on the server itself. */
  readonly by: string;
  readonly expiresAt: Date;
}

const readLink: Reader<Link> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    kind: oneOf(["invitation", "recovery"], "invitation")(fields["kind"], "kind"),
    username: nullable(asString)(fields["username"], "username"),
    displayName: asString(fields["display_name"], "display_name"),
    by: asString(fields["by"], "by"),
    expiresAt: asDate(fields["expires_at"], "expires_at"),
  };
};

/** The secret goes in bodies only: addresses are written into logs. */
export function lookAtLink(secret: string): Promise<Result<Link>> {
  return callJson(`${API}/invitations/look`, { method: "POST", json: { secret } }, readLink);
}

/** `username` null where the link names it. */
export function useLink(secret: string, username: string | null, password: string): Promise<Result<Person>> {
  return callJson(`${API}/invitations/accept`, { method: "POST", json: { secret, username, password } }, readSignIn);
}

export interface FirstAdministrator {
  readonly code: string;
  readonly username: string;
  readonly displayName: string;
  readonly password: string;
}

export function setUp({ code, username, displayName, password }: FirstAdministrator): Promise<Result<Person>> {
  return callJson(`${API}/setup`, { method: "POST", json: { code, username, display_name: displayName, password } }, readSignIn);
}

export interface OwnSession {
  readonly id: string;
  readonly device: string;
  readonly network: string;
  readonly lastSeen: Date;
  readonly isCurrent: boolean;
}

const readSession: Reader<OwnSession> = (value, where) => {
  const fields = asRecord(value, where);
  return { ...used(fields), device: asString(fields["device"], "device"), isCurrent: asBoolean(fields["current"], "current") };
};

function used(fields: Fields): { id: string; network: string; lastSeen: Date } {
  return { id: asString(fields["id"], "id"), network: asString(fields["network"], "network"), lastSeen: asDate(fields["last_seen"], "last_seen") };
}

export function ownSessions(): Promise<Result<OwnSession[]>> {
  return callJson(`${API}/me/sessions`, {}, items(readSession));
}

export function endSession(id: string): Promise<Result<null>> {
  return callNothing(`${API}/me/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
}

export function endOtherSessions(): Promise<Result<null>> {
  return callNothing(`${API}/me/sessions`, { method: "DELETE" });
}

export interface OwnToken {
  readonly id: string;
  readonly name: string;
  /** Null: all that the person may. */
  readonly scopes: readonly string[] | null;
  readonly network: string;
  readonly lastSeen: Date;
  readonly expiresAt: Date;
}

const readToken: Reader<OwnToken> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    ...used(fields),
    name: asString(fields["name"], "name"),
    scopes: nullable(listOf(asString))(fields["scopes"], "scopes"),
    expiresAt: asDate(fields["expires_at"], "expires_at"),
  };
};

export function ownTokens(): Promise<Result<OwnToken[]>> {
  return callJson(`${API}/me/tokens`, {}, items(readToken));
}

/** The new token's secret. */
export function makeToken(name: string, scopes: readonly string[], days: number): Promise<Result<string>> {
  const json = { name, scopes, days };
  return callJson(`${API}/me/tokens`, { method: "POST", json }, (value, where) => asString(asRecord(value, where)["secret"], "secret"));
}

export function endToken(id: string): Promise<Result<null>> {
  return callNothing(`${API}/me/tokens/${encodeURIComponent(id)}`, { method: "DELETE" });
}

/** Whether one can sign in with the city's account, and where the browser goes for it. */
export function hasCitySignIn(): Promise<Result<boolean>> {
  return callJson(`${API}/auth/oidc`, {}, (value, where) => asBoolean(asRecord(value, where)["enabled"], "enabled"));
}

export const CITY_SIGN_IN = `${API}/auth/oidc/start`;

/** What one has to be told: that the password was renewed by somebody's link. */
export interface OwnNotice {
  readonly id: string;
  readonly by: string;
  readonly at: Date;
}

export interface OwnAccess {
  readonly capabilities: readonly string[];
  readonly notices: readonly OwnNotice[];
}

const readNotice: Reader<OwnNotice> = (value, where) => {
  const fields = asRecord(value, where);
  return { id: asString(fields["id"], "id"), by: asString(fields["by"], "by"), at: asDate(fields["at"], "at") };
};

export function ownAccess(): Promise<Result<OwnAccess>> {
  return callJson(`${API}/me`, {}, (value, where) => {
    const fields = asRecord(value, where);
    return {
      capabilities: listOf(asString)(fields["capabilities"], "capabilities"),
      notices: listOf(readNotice)(fields["notices"], "notices"),
    };
  });
}

export function readOwnNotice(id: string): Promise<Result<null>> {
  return callNothing(`${API}/me/notices/${encodeURIComponent(id)}`, { method: "DELETE" });
}

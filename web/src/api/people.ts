/** Looking after people: links by which they come in, or come back in. */

import { asBoolean, asDate, asRecord, asString, items, listOf, nullable, oneOf, type Reader } from "./decode";
import { API, callJson, callNothing } from "./http";
import type { Result } from "./result";

export interface Area {
  readonly code: string;
  readonly name: string;
  /** Null at the top. */
  readonly parent: string | null;
}

/** A link that nobody used yet. */
export interface UnusedLink {
  readonly id: string;
  readonly kind: "invitation" | "recovery";
  readonly displayName: string;
  /** Empty: nothing but a name. */
  readonly role: string;
  readonly areas: readonly string[];
  /** Empty: made on the server itself. */
  readonly by: string;
  readonly expiresAt: Date;
}

const SECOND_LOOKS = ["whole-city", "larger-part", "owner"] as const;

/** Why what a link gives waits for a second administrator. */
export type SecondLook = (typeof SECOND_LOOKS)[number];

/** A link that was just made; whoever has it can use it, so it is shown this once. */
export interface NewLink {
  readonly made: UnusedLink;
  /** Who comes in by it may nothing until a second administrator approves. */
  readonly waits: boolean;
  /** Null: it does not, or for a reason that this page does not know. */
  readonly waitsWhy: SecondLook | null;
  readonly link: string;
  /** A data: address of an SVG. */
  readonly qr: string;
}

/** What was granted to somebody and waits for a second person. */
export interface Approval {
  readonly username: string;
  readonly displayName: string;
  readonly organisation: string;
  readonly grant: {
    readonly id: string;
    readonly role: string;
    readonly areas: readonly string[];
    readonly cameras: readonly string[];
    /** Null: it does not end. */
    readonly endsAt: Date | null;
    readonly reason: string;
    /** Who gave it. */
    readonly by: string;
    /** Null: for a reason that this page does not know. */
    readonly waitsWhy: SecondLook | null;
  };
  /** Whether this person is the second one. */
  readonly mayApprove: boolean;
}

export interface InvitationWish {
  readonly displayName: string;
  readonly role: string;
  readonly area: string;
  readonly organisation: string;
}

const readUnused: Reader<UnusedLink> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    id: asString(fields["id"], "id"),
    kind: oneOf(["invitation", "recovery"], "invitation")(fields["kind"], "kind"),
    displayName: asString(fields["display_name"], "display_name"),
    role: asString(fields["role"], "role"),
    areas: listOf(asString)(fields["areas"], "areas"),
    by: asString(fields["by"], "by"),
    expiresAt: asDate(fields["expires_at"], "expires_at"),
  };
};

const readNew: Reader<NewLink> = (value, where) => {
  const fields = asRecord(value, where);
  return {
    made: readUnused(fields["invitation"], "invitation"),
    waits: asBoolean(fields["waits"], "waits"),
    waitsWhy: oneOf(SECOND_LOOKS, null)(fields["waits_why"], "waits_why"),
    link: asString(fields["link"], "link"),
    qr: `data:image/svg+xml,${encodeURIComponent(asString(fields["qr_svg"], "qr_svg"))}`,
  };
};

const readApproval: Reader<Approval> = (value, where) => {
  const fields = asRecord(value, where);
  const grant = asRecord(fields["grant"], "grant");
  return {
    username: asString(fields["username"], "username"),
    displayName: asString(fields["display_name"], "display_name"),
    organisation: asString(fields["organisation"], "organisation"),
    grant: {
      id: asString(grant["id"], "id"),
      role: asString(grant["role"], "role"),
      areas: listOf(asString)(grant["areas"], "areas"),
      cameras: listOf(asString)(grant["cameras"], "cameras"),
      endsAt: nullable(asDate)(grant["ends_at"], "ends_at"),
      reason: asString(grant["reason"], "reason"),
      by: asString(grant["granter"], "granter"),
      waitsWhy: oneOf(SECOND_LOOKS, null)(grant["waits_why"], "waits_why"),
    },
    mayApprove: asBoolean(fields["may_approve"], "may_approve"),
  };
};

const readArea: Reader<Area> = (value, where) => {
  const fields = asRecord(value, where);
  return { code: asString(fields["code"], "code"), name: asString(fields["name"], "name"), parent: nullable(asString)(fields["parent"], "parent") };
};

export function areas(): Promise<Result<Area[]>> {
  return callJson(`${API}/areas`, {}, items(readArea));
}

/** The names of roles. */
export function roles(): Promise<Result<string[]>> {
  return callJson(`${API}/roles`, {}, items((value, where) => asString(asRecord(value, where)["name"], "name")));
}

export function unusedLinks(): Promise<Result<UnusedLink[]>> {
  return callJson(`${API}/invitations`, {}, items(readUnused));
}

/** What waits for a second person among those whom one looks after, the oldest first. */
export function approvals(): Promise<Result<Approval[]>> {
  return callJson(`${API}/approvals`, {}, items(readApproval));
}

function grantPath(waiting: Approval): string {
  return `${API}/people/${encodeURIComponent(waiting.username)}/grants/${encodeURIComponent(waiting.grant.id)}`;
}

export function approve(waiting: Approval): Promise<Result<null>> {
  return callNothing(`${grantPath(waiting)}/approve`, { method: "POST" });
}

/** Take it away before it ever held. */
export function refuse(waiting: Approval): Promise<Result<null>> {
  return callNothing(grantPath(waiting), { method: "DELETE" });
}

export function invite({ displayName, role, area, organisation }: InvitationWish): Promise<Result<NewLink>> {
  const json = { role, areas: [area], display_name: displayName, organisation };
  return callJson(`${API}/invitations`, { method: "POST", json }, readNew);
}

/** A link with which this person sets a new password. */
export function recover(username: string): Promise<Result<NewLink>> {
  return callJson(`${API}/people/${encodeURIComponent(username)}/recovery`, { method: "POST", json: {} }, readNew);
}

export function withdrawLink(id: string): Promise<Result<null>> {
  return callNothing(`${API}/invitations/${encodeURIComponent(id)}`, { method: "DELETE" });
}

/** Roles in the present language. */

import type { Messages } from "./id";

/** The role's own name where this page has no words for it: roles are the city's to edit. */
export function roleWord(words: Messages, role: string): string {
  const all: Readonly<Record<string, string>> = {
    admin: words.roleAdmin,
    auditor: words.roleAuditor,
    official: words.roleOfficial,
    operator: words.roleOperator,
    partner: words.rolePartner,
  };
  return all[role] ?? role;
}

import type { JSX } from "preact";
import { invite } from "../api/people";
import { words } from "../i18n/locale";
import { roleWord } from "../i18n/control";
import { textOf } from "../state/account";
import { useLinkForm } from "../state/link-form";
import { areaLabel, areaOf, inviteProblemWords, type LookingAfter } from "../state/people";

/** First, so that it is what a new or cleared form says: nobody becomes an administrator by oversight. */
const USUAL_ROLE = "official";
const LONGEST = 120;

function usualFirst(roles: readonly string[]): readonly string[] {
  return [...roles.filter((role) => role === USUAL_ROLE), ...roles.filter((role) => role !== USUAL_ROLE)];
}

/** Makes a link by which somebody new comes in, with one role in one area. */
export function InviteForm({ known }: { readonly known: LookingAfter }): JSX.Element {
  const t = words.value;
  const { form, said, submit } = useLinkForm((fields) => {
    const displayName = textOf(fields, "name").trim();
    const area = areaOf(textOf(fields, "area"), known.areas);
    if (displayName === "") return t.inviteNoName;
    if (area === null) return t.inviteNoArea;
    const wish = { displayName, area: area.code, role: textOf(fields, "role"), organisation: textOf(fields, "organisation").trim() };
    return () => invite(wish);
  }, inviteProblemWords);
  return (
    <section aria-labelledby="invite">
      <h2 id="invite">{t.inviteSomebody}</h2>
      <p class="quiet">{t.inviteExplain}</p>
      <form ref={form} noValidate onSubmit={submit}>
        <label for="invite-name">{t.inviteName}</label>
        <input id="invite-name" name="name" data-testid="invite-name" autocomplete="off" maxLength={LONGEST} enterkeyhint="next" aria-describedby="invite-error" />
        <label for="invite-role">{t.inviteRole}</label>
        <select id="invite-role" name="role" data-testid="invite-role">
          {usualFirst(known.roles).map((role) => (
            <option key={role} value={role}>
              {roleWord(t, role)}
            </option>
          ))}
        </select>
        <label for="invite-area">{t.inviteArea}</label>
        <input id="invite-area" name="area" list="areas" data-testid="invite-area" autocomplete="off" placeholder={t.inviteAreaHint} enterkeyhint="next" aria-describedby="invite-error" />
        <datalist id="areas">
          {known.areas.map((area) => (
            <option key={area.code} value={areaLabel(area, known.areas)} />
          ))}
        </datalist>
        <label for="invite-organisation">{t.inviteOrganisation}</label>
        <input id="invite-organisation" name="organisation" data-testid="invite-organisation" autocomplete="off" maxLength={LONGEST} enterkeyhint="done" />
        <p id="invite-error" class="form-error" role="alert" data-testid="invite-error">
          {said}
        </p>
        <button type="submit" class="button primary wide" data-testid="invite-make">
          {t.inviteMake}
        </button>
      </form>
    </section>
  );
}

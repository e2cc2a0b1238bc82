import type { JSX } from "preact";
import { recover } from "../api/people";
import { words } from "../i18n/locale";
import { textOf } from "../state/account";
import { useLinkForm } from "../state/link-form";
import { renewProblemWords } from "../state/people";

/** Makes a link with which somebody who is here already sets a new password. */
export function RenewForm(): JSX.Element {
  const t = words.value;
  const { form, said, submit } = useLinkForm((fields) => {
    const username = textOf(fields, "username").trim();
    return username === "" ? t.renewNobody : () => recover(username);
  }, renewProblemWords);
  return (
    <section aria-labelledby="renew">
      <h2 id="renew">{t.renewSomebody}</h2>
      <p class="quiet">{t.renewExplain}</p>
      <form ref={form} noValidate onSubmit={submit}>
        <label for="renew-username">{t.renewWhom}</label>
        <input id="renew-username" name="username" data-testid="renew-username" autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck={false} enterkeyhint="done" aria-describedby="renew-error" />
        <p id="renew-error" class="form-error" role="alert" data-testid="renew-error">
          {said}
        </p>
        <button type="submit" class="button wide" data-testid="renew-make">
          {t.renewMake}
        </button>
      </form>
    </section>
  );
}

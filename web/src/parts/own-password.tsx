import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { changePassword } from "../api/account";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { loadAccount, textOf, waiting } from "../state/account";
import { notify } from "../state/notices";
import { PasswordField } from "./password-field";

/** A new password, for which the old one is needed if there is one. */
export function OwnPassword({ hasOne }: { readonly hasOne: boolean }): JSX.Element {
  const [error, setError] = useState("");
  const form = useRef<HTMLFormElement>(null);
  const t = words.value;
  const send = async (): Promise<void> => {
    if (form.current === null) return;
    const fields = new FormData(form.current);
    const [old, next] = [textOf(fields, "password-old"), textOf(fields, "password-new")];
    if (next === "" || (hasOne && old === "")) {
      setError(t.passwordMissing);
      return;
    }
    const answer = await changePassword(hasOne ? old : null, next);
    if (answer.kind === "success") {
      form.current.reset();
      setError("");
      notify(words.value.passwordChanged);
      await loadAccount();
    } else if (answer.kind === "error" && answer.problem.kind === "step-up-needed") waiting.value = () => void send();
    else if (answer.kind === "error") setError(answer.problem.kind === "bad-input" ? words.value.problemPasswordRefused : problemWords(words.value, answer.problem));
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void send();
  };
  return (
    <section aria-labelledby="own-password">
      <h2 id="own-password">{t.passwordChange}</h2>
      <p class="quiet">{t.passwordExplain}</p>
      <form ref={form} noValidate onSubmit={submit}>
        {hasOne && <PasswordField id="password-old" label={t.passwordOld} autocomplete="current-password" describedBy="password-error" />}
        <PasswordField id="password-new" label={t.passwordNew} autocomplete="new-password" describedBy="password-error" />
        <p id="password-error" class="form-error" data-testid="password-error" role="alert">
          {error}
        </p>
        <button type="submit" class="button wide" data-testid="password-save">
          {t.passwordChange}
        </button>
      </form>
    </section>
  );
}

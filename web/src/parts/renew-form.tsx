import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { recover } from "../api/people";
import { words } from "../i18n/locale";
import { attempt, textOf } from "../state/account";
import { loadPeople, newLink, renewProblemWords } from "../state/people";

/** Makes a link with which somebody who is here already sets a new password. */
export function RenewForm(): JSX.Element {
  const [said, setSaid] = useState("");
  const form = useRef<HTMLFormElement>(null);
  const t = words.value;
  const send = async (): Promise<void> => {
    if (form.current === null) return;
    const username = textOf(new FormData(form.current), "username").trim();
    setSaid(username === "" ? t.renewNobody : "");
    if (username === "") return;
    const made = await attempt(() => recover(username), () => void send(), (problem) => setSaid(renewProblemWords(words.value, problem)));
    if (made === null) return;
    form.current.reset();
    newLink.value = made.value;
    await loadPeople();
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void send();
  };
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

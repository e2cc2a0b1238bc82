import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/problem";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { CitySignIn } from "../parts/city-sign-in";
import { LanguageSwitch } from "../parts/language-switch";
import { enter } from "../state/session";

type Phase = { readonly name: "ready" } | { readonly name: "busy" } | { readonly name: "empty" } | { readonly name: "refused"; readonly problem: Problem };

function says(phase: Phase): string {
  if (phase.name === "empty") return words.value.fillBoth;
  return phase.name === "refused" ? problemWords(words.value, phase.problem) : "";
}

export function SignIn({ lapsed }: { readonly lapsed: boolean }): JSX.Element {
  const [phase, setPhase] = useState<Phase>({ name: "ready" });
  const form = useRef<HTMLFormElement>(null);
  const t = words.value;

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (form.current === null || phase.name === "busy") return;
    const fields = new FormData(form.current); // what a password manager filled in counts, typed or not
    const [username, password] = [fields.get("username"), fields.get("password")];
    if (typeof username !== "string" || typeof password !== "string" || username.trim() === "" || password === "") {
      setPhase({ name: "empty" });
      return;
    }
    setPhase({ name: "busy" });
    const problem = await enter(username.trim(), password);
    if (problem !== null) setPhase({ name: "refused", problem });
  };

  const error = says(phase);
  return (
    <main class="sign-in">
      <header>
        <img src="/icon.svg" alt="" width="72" height="72" />
        <h1>camctl</h1>
        <p>{t.appTagline}</p>
      </header>
      {lapsed && phase.name === "ready" && <p class="hint">{t.signedOut}</p>}
      <form ref={form} method="post" noValidate onSubmit={(event) => void submit(event)}>
        <label for="username">{t.username}</label>
        <input id="username" name="username" data-testid="signin-username" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck={false} required enterkeyhint="next" aria-describedby="signin-error" />
        <PasswordField />
        <p id="signin-error" class="form-error" data-testid="signin-error" role="alert">
          {error}
        </p>
        <button type="submit" class="button primary wide" data-testid="signin-submit" aria-disabled={phase.name === "busy"}>
          {phase.name === "busy" ? t.signingIn : t.signIn}
        </button>
      </form>
      <CitySignIn />
      <LanguageSwitch />
    </main>
  );
}

function PasswordField(): JSX.Element {
  const [isShown, setShown] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (field.current !== null) field.current.type = isShown ? "text" : "password";
  }, [isShown]);
  const t = words.value;
  return (
    <>
      <label for="password">{t.password}</label>
      <div class="with-button">
        <input ref={field} id="password" name="password" data-testid="signin-password" type="password" autocomplete="current-password" autocapitalize="none" spellcheck={false} required enterkeyhint="go" aria-describedby="signin-error" />
        <button type="button" class="button plain" aria-pressed={isShown} onClick={() => setShown(!isShown)}>
          {isShown ? t.hidePassword : t.showPassword}
        </button>
      </div>
    </>
  );
}

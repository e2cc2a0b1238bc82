import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/problem";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { canFillIn, passkeysHere } from "../drivers/passkeys";
import { CitySignIn } from "../parts/city-sign-in";
import { LanguageSwitch } from "../parts/language-switch";
import { PasskeyButton, passkeyWords } from "../parts/passkey-button";
import { PasswordField } from "../parts/password-field";
import { SecondStep } from "../parts/second-step";
import { enter, enterByPasskey } from "../state/session";

type Phase = { readonly name: "ready" } | { readonly name: "busy" } | { readonly name: "said"; readonly text: string };

/** A challenge of the service lives five minutes: before that the browser is given the next one. */
const FILL_IN_MS = 240_000;

export function SignIn({ lapsed }: { readonly lapsed: boolean }): JSX.Element {
  const [pending, setPending] = useState<string | null>(null);
  const [said, setSaid] = useState("");
  const t = words.value;
  return (
    <main class="sign-in">
      <header>
        <img src="/icon.svg" alt="" width="72" height="72" />
        <h1>camctl</h1>
        <p>{t.appTagline}</p>
      </header>
      {lapsed && <p class="hint">{t.signedOut}</p>}
      {pending === null ? (
        <FirstStep said={said} onPending={setPending} />
      ) : (
        <SecondStep
          pending={pending}
          onBack={(text) => {
            setSaid(text);
            setPending(null);
          }}
        />
      )}
      {pending === null && <CitySignIn />}
      <LanguageSwitch />
    </main>
  );
}

interface FirstStepProps {
  /** Why one is back here; may be empty. */
  readonly said: string;
  readonly onPending: (pending: string) => void;
}

function FirstStep({ said, onPending }: FirstStepProps): JSX.Element {
  const [phase, setPhase] = useState<Phase>(said === "" ? { name: "ready" } : { name: "said", text: said });
  const stopFillingIn = useFillIn((problem) => setPhase({ name: "said", text: problemWords(words.value, problem) }));
  const form = useRef<HTMLFormElement>(null);
  const t = words.value;
  const isBusy = phase.name === "busy";

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (form.current === null || isBusy) return;
    const fields = new FormData(form.current); // what a password manager filled in counts, typed or not
    const [username, password] = [fields.get("username"), fields.get("password")];
    if (typeof username !== "string" || typeof password !== "string" || username.trim() === "" || password === "") {
      setPhase({ name: "said", text: t.fillBoth });
      return;
    }
    setPhase({ name: "busy" });
    const problem = await enter(username.trim(), password);
    if (problem?.kind === "second-factor-needed" && problem.pending !== null) onPending(problem.pending);
    else if (problem !== null) setPhase({ name: "said", text: problemWords(words.value, problem) });
  };

  const byPasskey = async (): Promise<void> => {
    if (isBusy) return;
    stopFillingIn();
    setPhase({ name: "busy" });
    setPhase({ name: "said", text: passkeyWords(await enterByPasskey(false)) });
  };

  return (
    <>
      <PasskeyButton here={passkeysHere()} isBusy={isBusy} onPress={() => void byPasskey()} />
      <form ref={form} method="post" noValidate onSubmit={(event) => void submit(event)}>
        <label for="username">{t.username}</label>
        <input id="username" name="username" data-testid="signin-username" autocomplete="username webauthn" autocapitalize="none" autocorrect="off" spellcheck={false} required enterkeyhint="next" aria-describedby="signin-error" />
        <PasswordField id="password" testId="signin-password" label={t.password} autocomplete="current-password" describedBy="signin-error" />
        <p id="signin-error" class="form-error" data-testid="signin-error" role="alert">
          {phase.name === "said" ? phase.text : ""}
        </p>
        <button type="submit" class={passkeysHere() === "yes" ? "button wide" : "button wide primary"} data-testid="signin-submit" aria-disabled={isBusy}>
          {isBusy ? t.signingIn : t.signIn}
        </button>
      </form>
    </>
  );
}

/** Offers passkeys among what the browser fills in; returns what ends that, before one is asked for by button. */
function useFillIn(onRefused: (problem: Problem) => void): () => void {
  const abort = useRef<AbortController | null>(null);
  useEffect(() => {
    let isWanted = true;
    const offer = async (): Promise<void> => {
      if (!(await canFillIn())) return;
      while (isWanted) {
        const turn = new AbortController();
        abort.current = turn;
        const timer = setTimeout(() => turn.abort(), FILL_IN_MS);
        const entry = await enterByPasskey(true, turn.signal);
        clearTimeout(timer);
        if (entry.kind === "refused" && entry.problem.kind === "passkey-refused") onRefused(entry.problem);
        else if (entry.kind !== "aborted") return;
      }
    };
    void offer();
    return () => {
      isWanted = false;
      abort.current?.abort();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, as long as the page is there
  }, []);
  return () => abort.current?.abort();
}

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { stepUp, stepUpWays, type Proof, type Ways } from "../api/account";
import type { Problem } from "../api/problem";
import { askPasskey } from "../drivers/passkeys";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { CodeForm } from "./code-form";
import { PasswordField } from "./password-field";
import { Sheet } from "./sheet";

interface StepUpProps {
  readonly onProved: () => void;
  readonly onClose: () => void;
}

/** Asks for a fresh proof, by whatever ways the person has. */
export function StepUpSheet({ onProved, onClose }: StepUpProps): JSX.Element {
  const [ways, setWays] = useState<Ways | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let isWanted = true;
    void stepUpWays().then((answer) => {
      if (!isWanted) return;
      if (answer.kind === "success") setWays(answer.value);
      else if (answer.kind === "error") setProblem(answer.problem);
    });
    return () => (isWanted = false);
  }, []);
  const t = words.value;
  const prove = async (proof: Proof): Promise<string> => {
    const answer = await stepUp(proof);
    if (answer.kind === "success") onProved();
    return answer.kind === "error" ? problemWords(words.value, answer.problem) : "";
  };
  return (
    <Sheet title={t.stepUpTitle} onClose={onClose}>
      <p>{t.stepUpExplain}</p>
      {problem !== null && <p role="alert">{problemWords(t, problem)}</p>}
      {ways !== null && <WaysOf ways={ways} prove={prove} />}
    </Sheet>
  );
}

interface WaysProps {
  readonly ways: Ways;
  readonly prove: (proof: Proof) => Promise<string>;
}

function WaysOf({ ways, prove }: WaysProps): JSX.Element {
  const t = words.value;
  return (
    <>
      {ways.ways.length === 0 && <p>{t.stepUpNone}</p>}
      {ways.options !== null && <ByPasskey options={ways.options} prove={prove} />}
      {ways.ways.includes("code") && <CodeForm id="step-up-code" label={t.codeLabel} button={t.goOn} send={(code) => prove({ way: "code", code })} />}
      {ways.ways.includes("password") && <ByPassword prove={prove} />}
    </>
  );
}

function ByPasskey({ options, prove }: { readonly options: NonNullable<Ways["options"]>; readonly prove: WaysProps["prove"] }): JSX.Element {
  const [error, setError] = useState("");
  const t = words.value;
  const press = async (): Promise<void> => {
    const asked = await askPasskey(options, false);
    if (asked.kind === "answer") setError(await prove({ way: "passkey", answer: asked.answer }));
    else setError(asked.kind === "cancelled" ? t.passkeyCancelled : t.passkeyFailed);
  };
  return (
    <>
      <button type="button" class="button primary wide" data-testid="step-up-passkey" onClick={() => void press()}>
        {t.stepUpPasskey}
      </button>
      <p class="form-error" role="alert">
        {error}
      </p>
    </>
  );
}

function ByPassword({ prove }: { readonly prove: WaysProps["prove"] }): JSX.Element {
  const [error, setError] = useState("");
  const t = words.value;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const password = new FormData(event.currentTarget as HTMLFormElement).get("step-up-password");
    if (typeof password !== "string" || password === "") setError(t.passwordMissing);
    else setError(await prove({ way: "password", password }));
  };
  return (
    <form noValidate onSubmit={(event) => void submit(event)}>
      <PasswordField id="step-up-password" label={t.password} autocomplete="current-password" describedBy="step-up-error" />
      <p id="step-up-error" class="form-error" role="alert">
        {error}
      </p>
      <button type="submit" class="button wide strong" data-testid="step-up-password-submit">
        {t.goOn}
      </button>
    </form>
  );
}

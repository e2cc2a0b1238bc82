import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { words } from "../i18n/locale";

interface CodeFormProps {
  readonly id: string;
  readonly label: string;
  readonly button: string;
  /** What to say when it was not right; empty when it was. */
  readonly send: (code: string) => Promise<string>;
}

/** A code of an authenticator app, which phones offer to fill in. */
export function CodeForm({ id, label, button, send }: CodeFormProps): JSX.Element {
  const [code, setCode] = useState("");
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const t = words.value;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy) return;
    if (code.trim() === "") {
      setError(t.codeMissing);
      return;
    }
    setBusy(true);
    const said = await send(code.trim());
    setBusy(false);
    setError(said);
    if (said !== "") setCode(""); // a code is used once: the next one is another
  };
  return (
    <form noValidate onSubmit={(event) => void submit(event)}>
      <label for={id}>{label}</label>
      <input id={id} data-testid={id} value={code} maxLength={64} autocomplete="one-time-code" autocapitalize="none" spellcheck={false} enterkeyhint="go" aria-describedby={`${id}-error`} onInput={(event) => setCode(event.currentTarget.value)} />
      <p id={`${id}-error`} class="form-error" data-testid={`${id}-error`} role="alert">
        {error}
      </p>
      <button type="submit" class="button primary wide" data-testid={`${id}-submit`} aria-disabled={isBusy}>
        {button}
      </button>
    </form>
  );
}

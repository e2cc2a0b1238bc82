import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { words } from "../i18n/locale";

interface PasswordFieldProps {
  /** Also its name and test id. */
  readonly id: string;
  readonly label: string;
  readonly autocomplete: "current-password" | "new-password";
  readonly describedBy: string;
  readonly testId?: string;
}

/** A password, to be shown at will; a password manager may fill it in. */
export function PasswordField({ id, label, autocomplete, describedBy, testId = id }: PasswordFieldProps): JSX.Element {
  const [isShown, setShown] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (field.current !== null) field.current.type = isShown ? "text" : "password";
  }, [isShown]);
  const t = words.value;
  return (
    <>
      <label for={id}>{label}</label>
      <div class="with-button">
        <input ref={field} id={id} name={id} data-testid={testId} type="password" autocomplete={autocomplete} autocapitalize="none" spellcheck={false} required enterkeyhint="go" aria-describedby={describedBy} />
        <button type="button" class="button plain" aria-pressed={isShown} onClick={() => setShown(!isShown)}>
          {isShown ? t.hidePassword : t.showPassword}
        </button>
      </div>
    </>
  );
}

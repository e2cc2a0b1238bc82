import type { ComponentChildren, JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { words } from "../i18n/locale";
import { faultOf } from "../state/joining";

interface JoinFormProps {
  /** The fields before the button, each an input with a name. */
  readonly children: ComponentChildren;
  /** Empty when it worked, else why not, in words. */
  readonly send: (fields: Readonly<Record<string, string>>) => Promise<string>;
}

/** A form that makes one a person here; what is missing is said before the service is asked. */
export function JoinForm({ children, send }: JoinFormProps): JSX.Element {
  const [isBusy, setBusy] = useState(false);
  const [said, setSaid] = useState("");
  const form = useRef<HTMLFormElement>(null);
  const t = words.value;

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (form.current === null || isBusy) return;
    const fields = Object.fromEntries([...new FormData(form.current)].map(([name, value]) => [name, typeof value === "string" ? value : ""]));
    const fault = faultOf(t, fields);
    setSaid(fault ?? "");
    if (fault !== null) return;
    setBusy(true);
    const refused = await send(fields);
    setBusy(false);
    setSaid(refused);
  };

  return (
    <form ref={form} method="post" noValidate onSubmit={(event) => void submit(event)}>
      {children}
      <p id="join-error" class="form-error" data-testid="join-error" role="alert">
        {said}
      </p>
      <button type="submit" class="button primary wide" data-testid="join-submit" aria-disabled={isBusy}>
        {isBusy ? t.joining : t.joinGo}
      </button>
    </form>
  );
}

export function NewUsername(): JSX.Element {
  const t = words.value;
  return (
    <>
      <label for="username">{t.newUsername}</label>
      <input id="username" name="username" data-testid="join-username" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck={false} required enterkeyhint="next" aria-describedby="username-rule join-error" />
      <p id="username-rule" class="quiet">
        {t.usernameRule}
      </p>
    </>
  );
}

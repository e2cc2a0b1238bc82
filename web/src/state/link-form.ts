/** The form that makes a link: what is missing is said at once, a fresh proof is asked for, the new link is shown. */

import type { RefObject } from "preact";
import { useRef, useState } from "preact/hooks";
import type { NewLink } from "../api/people";
import type { Problem } from "../api/problem";
import type { Result } from "../api/result";
import type { Messages } from "../i18n/id";
import { words } from "../i18n/locale";
import { attempt } from "./account";
import { loadPeople, newLink } from "./people";

interface LinkForm {
  readonly form: RefObject<HTMLFormElement | null>;
  /** Why it was not made; empty for nothing. */
  readonly said: string;
  readonly submit: (event: Event) => void;
}

/** `read` gives what to ask the service for, or what is missing in words. */
export function useLinkForm(read: (fields: FormData) => (() => Promise<Result<NewLink>>) | string, why: (words: Messages, problem: Problem) => string): LinkForm {
  const [said, setSaid] = useState("");
  const form = useRef<HTMLFormElement | null>(null);
  const send = async (): Promise<void> => {
    if (form.current === null) return;
    const asked = read(new FormData(form.current));
    setSaid(typeof asked === "string" ? asked : "");
    if (typeof asked === "string") return;
    const made = await attempt(asked, () => void send(), (problem) => setSaid(why(words.value, problem)));
    if (made === null) return;
    form.current.reset();
    newLink.value = made.value;
    await loadPeople();
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void send();
  };
  return { form, said, submit };
}

import type { JSX } from "preact";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { enterByCode } from "../state/session";
import { CodeForm } from "./code-form";

interface SecondStepProps {
  readonly pending: string;
  /** To begin again; why, in words, or empty. */
  readonly onBack: (text: string) => void;
  readonly onDone?: () => void;
}

/** The code that is asked for after a right password. */
export function SecondStep({ pending, onBack, onDone }: SecondStepProps): JSX.Element {
  const t = words.value;
  const send = async (code: string): Promise<string> => {
    const problem = await enterByCode(pending, code);
    if (problem?.kind === "second-factor-over") onBack(problemWords(words.value, problem));
    if (problem !== null) return problemWords(words.value, problem);
    onDone?.();
    return "";
  };
  return (
    <section aria-labelledby="second-factor">
      <h2 id="second-factor">{t.codeTitle}</h2>
      <CodeForm id="second-factor-code" label={t.codeLabel} send={send} button={t.goOn} />
      <button type="button" class="button plain wide" onClick={() => onBack("")}>
        {t.codeBack}
      </button>
    </section>
  );
}

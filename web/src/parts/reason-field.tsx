import type { JSX } from "preact";
import { words } from "../i18n/locale";

export const LONGEST_REASON = 200;

interface ReasonFieldProps {
  readonly id: string;
  readonly reason: string;
  readonly isOptional?: boolean;
  /** What the line is called and which reasons are common, where these are not those of control. */
  readonly label?: string;
  readonly common?: readonly string[];
  readonly longest?: number;
  readonly onReason: (reason: string) => void;
}

/** Common reasons for one tap, and a line for any other. */
export function ReasonField({ id, reason, isOptional = false, label, common, longest = LONGEST_REASON, onReason }: ReasonFieldProps): JSX.Element {
  const t = words.value;
  return (
    <>
      <div class="choices">
        {(common ?? t.reasons).map((text) => (
          <button key={text} type="button" class="button" aria-pressed={reason === text} onClick={() => onReason(text)}>
            {text}
          </button>
        ))}
      </div>
      <label for={id}>{label ?? (isOptional ? t.reasonMaybe : t.reason)}</label>
      <input id={id} data-testid={id} value={reason} maxLength={longest} autocomplete="off" onInput={(event) => onReason(event.currentTarget.value)} />
    </>
  );
}

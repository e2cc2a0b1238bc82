import type { JSX } from "preact";
import { words } from "../i18n/locale";

/** A whole page that says what it waits for, or what went wrong and how to try again. */
export function Waiting({ text, onRetry }: { readonly text: string; readonly onRetry?: () => void }): JSX.Element {
  return (
    <main class="waiting">
      <p role="status">{text}</p>
      {onRetry !== undefined && (
        <button type="button" class="button primary" onClick={onRetry}>
          {words.value.tryAgain}
        </button>
      )}
    </main>
  );
}

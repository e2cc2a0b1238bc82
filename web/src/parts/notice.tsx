import type { JSX } from "preact";
import { notice } from "../state/notices";

/** Always in the document, so that screen readers follow it. */
export function NoticeBar(): JSX.Element {
  const now = notice.value;
  return (
    <div class="notice" data-testid="notice" data-tone={now?.tone ?? "none"} role="status" aria-live="polite">
      {now?.text}
    </div>
  );
}

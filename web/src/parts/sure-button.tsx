import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

/** An unanswered question is taken back: the next tap may be meant for something else. */
const ASKED_MS = 5_000;

interface SureButtonProps {
  readonly id: string;
  readonly kind?: string;
  readonly text: string;
  readonly sure: string;
  readonly isBusy: boolean;
  readonly onSure: () => void;
}

/** Asks once more before it does what cannot be taken back. */
export function SureButton({ id, kind = "", text, sure, isBusy, onSure }: SureButtonProps): JSX.Element {
  const [isAsked, setAsked] = useState(false);
  useEffect(() => {
    if (!isAsked) return undefined;
    const timer = setTimeout(() => setAsked(false), ASKED_MS);
    return () => clearTimeout(timer);
  }, [isAsked]);
  const tap = (): void => {
    if (isBusy) return;
    setAsked(!isAsked);
    if (isAsked) onSure();
  };
  return (
    <button type="button" class={`button ${isAsked ? "strong" : kind}`} data-testid={id} data-asked={isAsked} aria-disabled={isBusy} onClick={tap}>
      {isAsked ? sure : text}
    </button>
  );
}

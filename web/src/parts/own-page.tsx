import type { ComponentChildren, JSX } from "preact";
import type { Problem } from "../api/problem";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { waiting } from "../state/account";
import { Icon } from "./icon";
import { LanguageSwitch } from "./language-switch";
import { NoticeBar } from "./notice";
import { StepUpSheet } from "./step-up-sheet";

interface OwnPageProps {
  readonly title: string;
  readonly testId: string;
  readonly kind: string;
  readonly back: { readonly href: string; readonly label: string };
  readonly problem: Problem | null;
  /** Null while it is being asked for. */
  readonly children: ComponentChildren;
}

/** A page about oneself or those one looks after: what is wrong, what there is, and the question who one is when that is needed. */
export function OwnPage({ title, testId, kind, back, problem, children }: OwnPageProps): JSX.Element {
  const t = words.value;
  const again = waiting.value;
  return (
    <main class={`list ${kind}`} data-testid={testId}>
      <header class="list-head list-title">
        <a class="button plain icon-only" href={back.href} aria-label={back.label} title={back.label}>
          <Icon name="left" />
        </a>
        <h1 class="titles">{title}</h1>
        <LanguageSwitch />
      </header>
      {problem !== null && (
        <p class="form-error" role="alert">
          {problemWords(t, problem)}
        </p>
      )}
      {children === null ? <p class="hint">{problem === null && t.loading}</p> : children}
      {again !== null && (
        <StepUpSheet
          onProved={() => {
            waiting.value = null;
            again();
          }}
          onClose={() => (waiting.value = null)}
        />
      )}
      <NoticeBar />
    </main>
  );
}

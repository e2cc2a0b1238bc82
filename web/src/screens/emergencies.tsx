import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Opening } from "../api/emergencies";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { Icon } from "../parts/icon";
import { JudgeSheet } from "../parts/judge-sheet";
import { LanguageSwitch } from "../parts/language-switch";
import { OpeningItem } from "../parts/opening-item";
import { askNow, me, pending } from "../state/emergencies";
import { forgetPages, learnOpening, olderPage, pages, refreshPages } from "../state/emergency-pages";

/** What was opened in emergencies, newest first: to close, and to judge. */
export function EmergenciesScreen(): JSX.Element {
  const [judging, setJudging] = useState<Opening | null>(null);
  const abort = useRef(new AbortController());
  useEffect(() => {
    const mine = new AbortController();
    abort.current = mine;
    return () => {
      mine.abort();
      forgetPages();
    };
  }, []);
  const turn = pending.value; // asked for regularly: a new answer is the time to look here too
  useEffect(() => {
    void refreshPages(abort.current.signal);
  }, [turn]);
  const refresh = (): void => {
    askNow();
    void refreshPages(abort.current.signal);
  };
  const { items, next, problem } = pages.value;
  const t = words.value;
  return (
    <main class="list emergencies" data-testid="emergencies">
      <header class="list-head list-title">
        <a class="button plain icon-only" data-testid="to-list" href="#/" aria-label={t.back} title={t.back}>
          <Icon name="left" />
        </a>
        <h1 class="titles">{t.emergencies}</h1>
        <LanguageSwitch />
      </header>
      <p class="form-error" role="alert">
        {problem !== null && problemWords(t, problem)}
      </p>
      {items === null ? <p class="hint">{problem === null && t.loading}</p> : items.length === 0 && <p class="hint">{t.emergencyNone}</p>}
      <ul class="openings">
        {(items ?? []).map((opening) => (
          <OpeningItem key={opening.id} opening={opening} isMine={opening.by.username === me.value} onJudge={() => setJudging(opening)} onChanged={refresh} />
        ))}
      </ul>
      {next !== null && (
        <button type="button" class="button wide" data-testid="openings-older" onClick={() => void olderPage(abort.current.signal)}>
          {t.showOlder}
        </button>
      )}
      {judging !== null && (
        <JudgeSheet
          opening={judging}
          onDone={(judged) => {
            learnOpening(judged);
            setJudging(null);
            askNow();
          }}
          onClose={() => setJudging(null)}
        />
      )}
    </main>
  );
}

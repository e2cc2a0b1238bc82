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

/** Fetches the newest page now and with each turn of the regular asking; what it returns ends with the screen. */
function useFreshPages(): () => AbortSignal {
  const abort = useRef(new AbortController());
  useEffect(() => {
    const mine = new AbortController();
    abort.current = mine;
    return () => {
      mine.abort();
      forgetPages();
    };
  }, []);
  const turn = pending.value;
  useEffect(() => {
    void refreshPages(abort.current.signal);
  }, [turn]);
  return () => abort.current.signal;
}

/** What was opened in emergencies, newest first: to close, and to judge. */
export function EmergenciesScreen(): JSX.Element {
  const [judging, setJudging] = useState<Opening | null>(null);
  const untilLeft = useFreshPages();
  const refresh = (): void => {
    askNow();
    void refreshPages(untilLeft());
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
        <button type="button" class="button wide" data-testid="openings-older" onClick={() => void olderPage(untilLeft())}>
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

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { endOtherSessions, endSession, type OwnSession } from "../api/links";
import { asMoment, words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { Icon } from "../parts/icon";
import { LanguageSwitch } from "../parts/language-switch";
import { NoticeBar } from "../parts/notice";
import { OwnTokens } from "../parts/own-tokens";
import { StepUpSheet } from "../parts/step-up-sheet";
import { waiting } from "../state/account";
import { access, accessProblem, act, loadAccess } from "../state/own-access";
import { notify } from "../state/notices";

/** Where one is signed in, and with which programs. */
export function Sessions(): JSX.Element {
  useEffect(() => {
    void loadAccess();
    return () => {
      access.value = null;
      waiting.value = null;
    };
  }, []);
  const t = words.value;
  const [now, problem, again] = [access.value, accessProblem.value, waiting.value];
  return (
    <main class="list own" data-testid="own-access">
      <header class="list-head list-title">
        <a class="button plain icon-only" href="#/" aria-label={t.toCameras} title={t.toCameras}>
          <Icon name="left" />
        </a>
        <h1 class="titles">{t.ownAccess}</h1>
        <LanguageSwitch />
      </header>
      {problem !== null && (
        <p class="form-error" role="alert">
          {problemWords(t, problem)}
        </p>
      )}
      {now === null ? (
        <p class="hint">{problem === null && t.loading}</p>
      ) : (
        <>
          <OwnSessions sessions={now.sessions} />
          <OwnTokens tokens={now.tokens} capabilities={now.capabilities} />
        </>
      )}
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

function OwnSessions({ sessions }: { readonly sessions: readonly OwnSession[] }): JSX.Element {
  const t = words.value;
  const others = sessions.filter((session) => !session.isCurrent);
  const endOthers = async (): Promise<void> => {
    if ((await act(endOtherSessions())) !== null) notify(t.othersEnded);
  };
  return (
    <section aria-labelledby="own-sessions">
      <h2 id="own-sessions">{t.ownSessions}</h2>
      <ul class="own-rows">
        {sessions.map((session) => (
          <SessionRow key={session.id} session={session} />
        ))}
      </ul>
      {others.length > 0 && (
        <button type="button" class="button wide" data-testid="end-others" onClick={() => void endOthers()}>
          {t.endOthers}
        </button>
      )}
    </section>
  );
}

function SessionRow({ session }: { readonly session: OwnSession }): JSX.Element {
  const t = words.value;
  const device = session.device === "" ? t.deviceUnknown : session.device;
  return (
    <li data-testid="own-session" data-current={session.isCurrent}>
      <p>
        <strong>{device}</strong>
        {session.isCurrent && <span class="chip">{t.thisDevice}</span>}
        <span class="quiet">
          {t.lastUsed(asMoment(session.lastSeen))} {session.network !== "" && t.networkFrom(session.network)}
        </span>
      </p>
      {!session.isCurrent && (
        <button type="button" class="button" data-testid="end-session" aria-label={t.endSessionOf(device)} onClick={() => void act(endSession(session.id))}>
          {t.endSession}
        </button>
      )}
    </li>
  );
}

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { endOtherSessions, endSession, type OwnSession } from "../api/links";
import { asMoment, words } from "../i18n/locale";
import { OwnPage } from "../parts/own-page";
import { OwnTokens } from "../parts/own-tokens";
import { waiting } from "../state/account";
import { access, accessProblem, act, loadAccess } from "../state/own-access";
import { notify } from "../state/notices";
import { ACCOUNT } from "../state/route";

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
  const now = access.value;
  return (
    <OwnPage title={t.ownAccess} testId="own-access" kind="own" back={{ href: ACCOUNT, label: t.back }} problem={accessProblem.value}>
      {now === null ? null : (
        <>
          <OwnSessions sessions={now.sessions} />
          <OwnTokens tokens={now.tokens} capabilities={now.capabilities} />
        </>
      )}
    </OwnPage>
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

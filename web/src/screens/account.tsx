import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { Icon } from "../parts/icon";
import { LanguageSwitch } from "../parts/language-switch";
import { NoticeBar } from "../parts/notice";
import { OwnPasskeys } from "../parts/own-passkeys";
import { OwnPassword } from "../parts/own-password";
import { OwnTotp } from "../parts/own-totp";
import { StepUpSheet } from "../parts/step-up-sheet";
import { ToPeople } from "../parts/to-people";
import { account, accountProblem, loadAccount, waiting } from "../state/account";

export function Account(): JSX.Element {
  useEffect(() => {
    void loadAccount();
    return () => {
      account.value = null;
      waiting.value = null;
    };
  }, []);
  const t = words.value;
  const [now, problem, again] = [account.value, accountProblem.value, waiting.value];
  return (
    <main class="list account" data-testid="account">
      <header class="list-head list-title">
        <a class="button plain icon-only" href="#/" aria-label={t.toList} title={t.toList}>
          <Icon name="left" />
        </a>
        <h1 class="titles">{t.account}</h1>
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
          <OwnPasskeys passkeys={now.passkeys} />
          <OwnTotp isOn={now.totp} codes={now.recoveryCodes} />
          <OwnPassword hasOne={now.password} />
          <ToPeople />
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

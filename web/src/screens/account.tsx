import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { words } from "../i18n/locale";
import { OwnPage } from "../parts/own-page";
import { OwnPasskeys } from "../parts/own-passkeys";
import { OwnPassword } from "../parts/own-password";
import { OwnTotp } from "../parts/own-totp";
import { ToPeople } from "../parts/to-people";
import { SESSIONS } from "../state/route";
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
  const now = account.value;
  return (
    <OwnPage title={t.account} testId="account" kind="account" back={{ href: "#/", label: t.toList }} problem={accountProblem.value}>
      {now === null ? null : (
        <>
          <OwnPasskeys passkeys={now.passkeys} />
          <OwnTotp isOn={now.totp} codes={now.recoveryCodes} />
          <OwnPassword hasOne={now.password} />
          <section aria-labelledby="to-own-access">
            <h2 id="to-own-access">{t.ownAccess}</h2>
            <a class="button wide" href={SESSIONS} data-testid="to-sessions">
              {t.ownAccessShow}
            </a>
          </section>
          <ToPeople />
        </>
      )}
    </OwnPage>
  );
}

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { beginTotp, confirmTotp, newRecoveryCodes, removeTotp, type NewTotp } from "../api/account";
import { inFigures, words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { attempt, loadAccount } from "../state/account";
import { CodeForm } from "./code-form";
import { Sheet } from "./sheet";

interface OwnTotpProps {
  readonly isOn: boolean;
  readonly codes: number;
}

/** The authenticator app and the recovery codes. */
export function OwnTotp({ isOn, codes }: OwnTotpProps): JSX.Element {
  const [fresh, setFresh] = useState<NewTotp | null>(null);
  const [shown, setShown] = useState<readonly string[] | null>(null);
  const t = words.value;
  const begin = async (): Promise<void> => {
    const answer = await attempt(beginTotp, () => void begin());
    if (answer !== null) setFresh(answer.value);
  };
  const confirm = async (code: string): Promise<string> => {
    const answer = await confirmTotp(code);
    if (answer.kind === "error") return problemWords(words.value, answer.problem);
    if (answer.kind === "success") {
      setFresh(null);
      setShown(answer.value);
      await loadAccount();
    }
    return "";
  };
  const renew = async (): Promise<void> => {
    const answer = await attempt(newRecoveryCodes, () => void renew());
    if (answer !== null) setShown(answer.value);
    await loadAccount();
  };
  return (
    <section aria-labelledby="own-totp">
      <h2 id="own-totp">{t.totp}</h2>
      <p class="quiet">{t.totpExplain}</p>
      {isOn ? (
        <On codes={codes} onRenew={() => void renew()} />
      ) : (
        <button type="button" class="button wide" data-testid="totp-begin" onClick={() => void begin()}>
          {t.totpSetUp}
        </button>
      )}
      {fresh !== null && <SetUp fresh={fresh} confirm={confirm} onClose={() => setFresh(null)} />}
      {shown !== null && <Codes codes={shown} onClose={() => setShown(null)} />}
    </section>
  );
}

async function remove(): Promise<void> {
  await attempt(removeTotp, () => void remove());
  await loadAccount();
}

function On({ codes, onRenew }: { readonly codes: number; readonly onRenew: () => void }): JSX.Element {
  const [isSure, setSure] = useState(false);
  const t = words.value;
  return (
    <>
      <p data-testid="totp-on">
        <b>{t.totpOn}</b> {t.recoveryLeft(inFigures(codes))}
      </p>
      <div class="choices stacked">
        <button type="button" class="button wide" data-testid="recovery-new" onClick={onRenew}>
          {t.recoveryNew}
        </button>
        <button type="button" class="button wide" data-testid="totp-remove" onClick={() => (isSure ? void remove() : setSure(true))}>
          {isSure ? t.totpRemoveSure : t.totpRemove}
        </button>
      </div>
    </>
  );
}

interface SetUpProps {
  readonly fresh: NewTotp;
  readonly confirm: (code: string) => Promise<string>;
  readonly onClose: () => void;
}

function SetUp({ fresh, confirm, onClose }: SetUpProps): JSX.Element {
  const t = words.value;
  return (
    <Sheet title={t.totpSetUp} onClose={onClose}>
      <p>{t.totpScan}</p>
      <img class="qr" src={fresh.qr} alt={t.totpQr} />
      <p>
        {t.totpByHand} <code data-testid="totp-secret">{fresh.secret}</code>
      </p>
      <CodeForm id="totp-code" label={t.totpCode} button={t.totpConfirm} send={confirm} />
    </Sheet>
  );
}

function Codes({ codes, onClose }: { readonly codes: readonly string[]; readonly onClose: () => void }): JSX.Element {
  const t = words.value;
  return (
    <Sheet title={t.recoveryTitle} onClose={onClose}>
      <p>{t.recoveryExplain}</p>
      <ul class="codes" data-testid="recovery-codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <button type="button" class="button primary wide" data-testid="recovery-done" onClick={onClose}>
        {t.recoveryDone}
      </button>
    </Sheet>
  );
}

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { addPasskey, newPasskeyOptions, removePasskey, renamePasskey, type Passkey } from "../api/account";
import { makePasskey, passkeysHere } from "../drivers/passkeys";
import { asDay, words } from "../i18n/locale";
import { attempt, loadAccount } from "../state/account";
import { notify } from "../state/notices";

/** One's passkeys: add, rename, remove. */
export function OwnPasskeys({ passkeys }: { readonly passkeys: readonly Passkey[] }): JSX.Element {
  const t = words.value;
  const here = passkeysHere();
  return (
    <section aria-labelledby="own-passkeys">
      <h2 id="own-passkeys">{t.passkeys}</h2>
      <p class="quiet">{t.passkeysExplain}</p>
      <ul class="rows" data-testid="passkeys">
        {passkeys.map((passkey) => (
          <Row key={passkey.id} passkey={passkey} />
        ))}
      </ul>
      {passkeys.length === 0 && <p>{t.passkeysNone}</p>}
      {here === "yes" ? (
        <button type="button" class="button primary wide" data-testid="passkey-add" onClick={() => void add()}>
          {t.passkeyAdd}
        </button>
      ) : (
        <p class="hint">{{ "needs-name": t.passkeyNeedsName, "needs-https": t.passkeyNeedsHttps, none: t.passkeyNone }[here]}</p>
      )}
    </section>
  );
}

async function add(): Promise<void> {
  const again = (): void => void add();
  const options = await attempt(newPasskeyOptions, again);
  if (options === null) return;
  const t = words.value;
  const made = await makePasskey(options.value);
  if (made.kind !== "answer") {
    notify(made.kind === "known" ? t.passkeyKnown : made.kind === "cancelled" ? t.passkeyCancelled : t.passkeyFailed, "warn");
    return;
  }
  const { answer } = made;
  if ((await attempt(() => addPasskey(answer, t.passkeyNameNew), again)) !== null) notify(t.passkeyMade);
  await loadAccount();
}

async function rename(id: string, name: string): Promise<void> {
  const again = (): void => void rename(id, name);
  if (name.trim() !== "") await attempt(() => renamePasskey(id, name.trim()), again);
  await loadAccount();
}

async function remove(id: string): Promise<void> {
  const again = (): void => void remove(id);
  await attempt(() => removePasskey(id), again);
  await loadAccount();
}

function Row({ passkey }: { readonly passkey: Passkey }): JSX.Element {
  const [name, setName] = useState<string | null>(null);
  const [isSure, setSure] = useState(false);
  const t = words.value;
  const used = passkey.lastUsed === null ? t.passkeyUnused : t.passkeyUsed(asDay(passkey.lastUsed));
  const facts = [used, ...(passkey.synced ? [t.passkeySynced] : []), ...(passkey.here ? [] : [t.passkeyElsewhere])];
  if (name !== null) {
    const save = (event: Event): void => {
      event.preventDefault();
      setName(null);
      void rename(passkey.id, name);
    };
    return (
      <li>
        <form class="rename" onSubmit={save}>
          <label for={`name-${passkey.id}`}>{t.passkeyName}</label>
          <input id={`name-${passkey.id}`} data-testid="passkey-name" value={name} maxLength={120} autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />
          <button type="submit" class="button wide strong" data-testid="passkey-save">
            {t.save}
          </button>
        </form>
      </li>
    );
  }
  return (
    <li data-testid="passkey">
      <p>
        <b>{passkey.name}</b>
        <span class="quiet">{facts.join(" · ")}</span>
      </p>
      <button type="button" class="button" data-testid="passkey-rename" onClick={() => setName(passkey.name)}>
        {t.passkeyRename}
      </button>
      <button type="button" class="button" data-testid="passkey-remove" onClick={() => (isSure ? void remove(passkey.id) : setSure(true))}>
        {isSure ? t.passkeyRemoveSure : t.passkeyRemove}
      </button>
    </li>
  );
}

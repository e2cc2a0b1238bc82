import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { endToken, makeToken, type OwnToken } from "../api/links";
import { asMoment, inFigures, words } from "../i18n/locale";
import { scopeWord } from "../i18n/scopes";
import { attempt } from "../state/account";
import { copyText } from "../state/handing-on";
import { act, loadAccess } from "../state/own-access";

const LIVES_DAYS = [30, 90, 366] as const;
/** Looking after people is done in person only: the service lets no token do it. */
const NEVER = "manage_people";

interface OwnTokensProps {
  readonly tokens: readonly OwnToken[];
  readonly capabilities: readonly string[];
}

export function OwnTokens({ tokens, capabilities }: OwnTokensProps): JSX.Element {
  const [secret, setSecret] = useState<string | null>(null);
  const t = words.value;
  return (
    <section aria-labelledby="own-tokens">
      <h2 id="own-tokens">{t.ownTokens}</h2>
      <p class="quiet">{t.tokensExplain}</p>
      {tokens.length === 0 && <p class="hint">{t.tokensNone}</p>}
      <ul class="own-rows">
        {tokens.map((token) => (
          <TokenRow key={token.id} token={token} />
        ))}
      </ul>
      {secret !== null && <NewSecret secret={secret} />}
      <TokenForm capabilities={capabilities.filter((one) => one !== NEVER)} onMade={setSecret} />
    </section>
  );
}

function TokenRow({ token }: { readonly token: OwnToken }): JSX.Element {
  const t = words.value;
  return (
    <li data-testid="own-token">
      <p>
        <strong>{token.name}</strong>
        <span>{token.scopes === null ? t.tokenAll : t.tokenScopes(token.scopes.map((one) => scopeWord(t, one)).join(", "))}</span>
        <span class="quiet">
          {t.lastUsed(asMoment(token.lastSeen))}, {t.validUntil(asMoment(token.expiresAt))}
        </span>
      </p>
      <button type="button" class="button" data-testid="end-token" aria-label={t.tokenEndOf(token.name)} onClick={() => void act(endToken(token.id))}>
        {t.tokenEnd}
      </button>
    </li>
  );
}

function NewSecret({ secret }: { readonly secret: string }): JSX.Element {
  const t = words.value;
  return (
    <div class="hint" role="status">
      <p>{t.tokenShown}</p>
      <code data-testid="new-token">{secret}</code>
      {/* Only pages over HTTPS have a clipboard. */}
      {window.isSecureContext && (
        <button type="button" class="button" onClick={() => void copyText(secret)}>
          {t.tokenCopy}
        </button>
      )}
    </div>
  );
}

interface TokenFormProps {
  readonly capabilities: readonly string[];
  readonly onMade: (secret: string) => void;
}

function TokenForm({ capabilities, onMade }: TokenFormProps): JSX.Element {
  const [said, setSaid] = useState("");
  const form = useRef<HTMLFormElement>(null);
  const t = words.value;
  const send = async (): Promise<void> => {
    if (form.current === null) return;
    const fields = new FormData(form.current);
    const [name, scopes] = [fields.get("name"), fields.getAll("scope").filter((one) => typeof one === "string")];
    const isFilled = typeof name === "string" && name.trim() !== "" && scopes.length > 0;
    setSaid(isFilled ? "" : t.tokenNeeds);
    if (!isFilled) return;
    const made = await attempt(() => makeToken(name.trim(), scopes, Number(fields.get("days"))), () => void send());
    if (made === null) return;
    form.current.reset();
    onMade(made.value);
    await loadAccess();
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void send();
  };
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <label for="token-name">{t.tokenName}</label>
      <input id="token-name" name="name" data-testid="token-name" autocomplete="off" maxLength={120} aria-describedby="token-error" />
      <fieldset>
        <legend>{t.tokenMay}</legend>
        {capabilities.map((one) => (
          <label key={one} class="choice">
            <input type="checkbox" name="scope" value={one} data-testid={`scope-${one}`} /> {scopeWord(t, one)}
          </label>
        ))}
      </fieldset>
      <label for="token-days">{t.tokenDays}</label>
      <select id="token-days" name="days">
        {LIVES_DAYS.map((days) => (
          <option key={days} value={days}>
            {t.days(inFigures(days))}
          </option>
        ))}
      </select>
      <p id="token-error" class="form-error" role="alert">
        {said}
      </p>
      <button type="submit" class="button wide" data-testid="make-token">
        {t.tokenMake}
      </button>
    </form>
  );
}

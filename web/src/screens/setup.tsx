import type { JSX } from "preact";
import { setUp } from "../api/links";
import { words } from "../i18n/locale";
import { JoinForm, NewUsername } from "../parts/join-form";
import { PasswordField } from "../parts/password-field";
import { comeIn, joinProblemWords } from "../state/joining";
import { JoinPage } from "./invitation";

/** The first administrator, by the code on the server's screen. */
export function Setup(): JSX.Element {
  const t = words.value;
  const send = async ({ code = "", username = "", name = "", password = "" }: Readonly<Record<string, string>>): Promise<string> => {
    const problem = comeIn(await setUp({ code: code.trim(), username: username.trim(), displayName: name.trim(), password }));
    return problem === null ? "" : joinProblemWords(words.value, problem, words.value.setupOver, words.value.setupWrongCode);
  };
  return (
    <JoinPage title={t.setupTitle}>
      <p>{t.setupExplain}</p>
      <JoinForm send={send}>
        <label for="code">{t.setupCode}</label>
        <input id="code" name="code" data-testid="setup-code" autocomplete="one-time-code" autocapitalize="characters" autocorrect="off" spellcheck={false} required enterkeyhint="next" aria-describedby="join-error" />
        <label for="name">{t.setupName}</label>
        <input id="name" name="name" data-testid="setup-name" autocomplete="name" required enterkeyhint="next" aria-describedby="join-error" />
        <NewUsername />
        <PasswordField id="password" testId="join-password" label={t.newPassword} autocomplete="new-password" describedBy="password-rule join-error" />
        <p id="password-rule" class="quiet">
          {t.passwordRule}
        </p>
      </JoinForm>
    </JoinPage>
  );
}

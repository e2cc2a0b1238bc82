import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { lookAtLink, useLink as acceptLink, type Link } from "../api/links";
import type { Problem } from "../api/problem";
import { asMoment, words } from "../i18n/locale";
import { JoinForm, NewUsername } from "../parts/join-form";
import { LanguageSwitch } from "../parts/language-switch";
import { PasswordField } from "../parts/password-field";
import { SecondStep } from "../parts/second-step";
import { comeIn, joinProblemWords, toTheList } from "../state/joining";

type Seen = { readonly name: "asking" } | { readonly name: "known"; readonly link: Link } | { readonly name: "refused"; readonly problem: Problem };

/** Where a one-time link leads: an invitation, or a new password. */
export function Invitation({ secret }: { readonly secret: string }): JSX.Element {
  const [seen, setSeen] = useState<Seen>({ name: "asking" });
  useEffect(() => {
    void lookAtLink(secret).then((answer) => {
      if (answer.kind === "success") setSeen({ name: "known", link: answer.value });
      else if (answer.kind === "error") setSeen({ name: "refused", problem: answer.problem });
    });
  }, [secret]);
  const t = words.value;
  return (
    <JoinPage title={title(seen)}>
      {seen.name === "asking" && <p class="hint">{t.loading}</p>}
      {seen.name === "refused" && (
        <>
          <p class="hint" role="alert" data-testid="link-refused">
            {joinProblemWords(t, seen.problem, t.linkOver, t.linkOver)}
          </p>
          <a class="button wide" href="#/">
            {t.toSignIn}
          </a>
        </>
      )}
      {seen.name === "known" && <Accepting secret={secret} link={seen.link} />}
    </JoinPage>
  );
}

function title(seen: Seen): string {
  const t = words.value;
  if (seen.name !== "known") return "camctl";
  return seen.link.kind === "recovery" ? t.recoveryTitle : t.inviteTitle(seen.link.displayName);
}

function Accepting({ secret, link }: { readonly secret: string; readonly link: Link }): JSX.Element {
  const [pending, setPending] = useState<string | null>(null);
  const t = words.value;
  const given = link.username;
  const send = async ({ username = "", password = "" }: Readonly<Record<string, string>>): Promise<string> => {
    const problem = comeIn(await acceptLink(secret, given === null ? username.trim() : null, password));
    if (problem?.kind === "second-factor-needed" && problem.pending !== null) {
      setPending(problem.pending);
      return "";
    }
    return problem === null ? "" : joinProblemWords(words.value, problem, words.value.linkOver, words.value.linkOver);
  };
  if (pending !== null) {
    return (
      <>
        <p role="status">{t.passwordIsSet}</p>
        <SecondStep pending={pending} onBack={toTheList} onDone={toTheList} />
      </>
    );
  }
  return (
    <>
      <p>{why(link)}</p>
      <p class="quiet">{t.linkHoldsUntil(asMoment(link.expiresAt))}</p>
      <JoinForm send={send}>
        {given === null ? <NewUsername /> : <GivenUsername username={given} />}
        <PasswordField id="password" testId="join-password" label={t.newPassword} autocomplete="new-password" describedBy="password-rule join-error" />
        <p id="password-rule" class="quiet">
          {t.passwordRule}
        </p>
      </JoinForm>
    </>
  );
}

/** Read only, and there for password managers, which keep it beside the new password. */
function GivenUsername({ username }: { readonly username: string }): JSX.Element {
  return (
    <>
      <label for="username">{words.value.username}</label>
      <input id="username" name="username" data-testid="join-username" autocomplete="username" value={username} readOnly />
    </>
  );
}

function why(link: Link): string {
  const t = words.value;
  if (link.kind === "recovery") return link.by === "" ? t.recoveryByNobody : t.recoveryBy(link.by);
  return link.by === "" ? t.inviteByNobody : t.inviteBy(link.by);
}

export function JoinPage({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <main class="sign-in join">
      <header>
        <img src="/icon.svg" alt="" width="72" height="72" />
        <h1 data-testid="join-title">{title}</h1>
      </header>
      {children}
      <LanguageSwitch />
    </main>
  );
}

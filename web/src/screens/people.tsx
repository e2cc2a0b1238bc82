import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { withdrawLink, type UnusedLink } from "../api/people";
import { asMoment, words } from "../i18n/locale";
import { roleWord } from "../i18n/control";
import { Approvals } from "../parts/approvals";
import { InviteForm } from "../parts/invite-form";
import { NewLinkCard } from "../parts/new-link";
import { OwnPage } from "../parts/own-page";
import { RenewForm } from "../parts/renew-form";
import { SureButton } from "../parts/sure-button";
import { attempt, waiting } from "../state/account";
import { areaNames, forgetPeople, loadPeople, lookingAfter, newLink, peopleProblem, type LookingAfter } from "../state/people";
import { ACCOUNT } from "../state/route";

/** Who looks after people lets them in, and back in, by links that work once. */
export function People(): JSX.Element {
  useEffect(() => {
    void loadPeople();
    return () => {
      forgetPeople();
      waiting.value = null;
    };
  }, []);
  const t = words.value;
  const [known, made] = [lookingAfter.value, newLink.value];
  return (
    <OwnPage title={t.people} testId="people" kind="own" back={{ href: ACCOUNT, label: t.back }} problem={peopleProblem.value}>
      {known === null ? null : (
        <>
          {made !== null && <NewLinkCard link={made} />}
          <Approvals known={known} />
          <InviteForm known={known} />
          <RenewForm />
          <UnusedLinks known={known} />
        </>
      )}
    </OwnPage>
  );
}

function UnusedLinks({ known }: { readonly known: LookingAfter }): JSX.Element {
  const t = words.value;
  return (
    <section aria-labelledby="unused-links">
      <h2 id="unused-links">{t.linksUnused}</h2>
      {known.links.length === 0 && <p class="hint">{t.linksNone}</p>}
      <ul class="own-rows">
        {known.links.map((link) => (
          <LinkRow key={link.id} link={link} known={known} />
        ))}
      </ul>
    </section>
  );
}

function LinkRow({ link, known }: { readonly link: UnusedLink; readonly known: LookingAfter }): JSX.Element {
  const t = words.value;
  const withdraw = async (): Promise<void> => {
    const done = await attempt(() => withdrawLink(link.id), () => void withdraw());
    if (done !== null && newLink.value?.made.id === link.id) newLink.value = null;
    await loadPeople();
  };
  return (
    <li data-testid="unused-link">
      <p>
        <strong>{link.kind === "recovery" ? t.linkForRenewed(link.displayName) : t.linkForInvited(link.displayName)}</strong>
        {link.kind === "invitation" && link.role !== "" && <span>{t.linkAreas(roleWord(t, link.role), areaNames(link.areas, known.areas))}</span>}
        <span class="quiet">{link.by === "" ? t.linkMadeByServer(asMoment(link.expiresAt)) : t.linkMadeBy(link.by, asMoment(link.expiresAt))}</span>
      </p>
      <SureButton id="link-withdraw" text={t.linkWithdraw} sure={t.linkWithdrawSure} isBusy={false} onSure={() => void withdraw()} />
    </li>
  );
}

import type { JSX } from "preact";
import { approve, refuse, type Approval } from "../api/people";
import { roleWord } from "../i18n/control";
import { asDay, words } from "../i18n/locale";
import { secondLookWords } from "../i18n/second-look";
import { attempt } from "../state/account";
import { areaNames, loadPeople, type LookingAfter } from "../state/people";
import { SureButton } from "./sure-button";

/** What begins when a second person says so; nothing to see while none waits. */
export function Approvals({ known }: { readonly known: LookingAfter }): JSX.Element | null {
  const t = words.value;
  if (known.approvals.length === 0) return null;
  return (
    <section aria-labelledby="approvals">
      <h2 id="approvals">{t.approvals}</h2>
      <p class="quiet">{t.approvalsExplain}</p>
      <ul class="own-rows">
        {known.approvals.map((waiting) => (
          <ApprovalRow key={waiting.grant.id} waiting={waiting} known={known} />
        ))}
      </ul>
    </section>
  );
}

function ApprovalRow({ waiting, known }: { readonly waiting: Approval; readonly known: LookingAfter }): JSX.Element {
  const t = words.value;
  const { grant } = waiting;
  const where = [areaNames(grant.areas, known.areas), ...grant.cameras].filter((one) => one !== "").join(", ");
  const who = waiting.organisation === "" ? waiting.displayName : `${waiting.displayName}, ${waiting.organisation}`;
  const act = async (call: typeof approve): Promise<void> => {
    await attempt(() => call(waiting), () => void act(call));
    await loadPeople();
  };
  return (
    <li class="approval" data-testid="approval">
      <p>
        <strong>{who}</strong>
        <span>{t.linkAreas(roleWord(t, grant.role), where)}</span>
        <span>{grant.endsAt === null ? t.approvalForGood : t.approvalUntil(asDay(grant.endsAt))}</span>
        <span class="quiet">{t.approvalBy(grant.by, grant.reason)}</span>
        {grant.waitsWhy !== null && <span>{secondLookWords(t, grant.waitsWhy)}</span>}
        {!waiting.mayApprove && <span data-testid="approval-not-yours">{t.approvalNotYours}</span>}
      </p>
      <div class="approval-acts">
        {waiting.mayApprove && <SureButton id="approve" kind="primary" text={t.approvalApprove} sure={t.approvalApproveSure} isBusy={false} onSure={() => void act(approve)} />}
        <SureButton id="refuse" text={t.approvalRefuse} sure={t.approvalRefuseSure} isBusy={false} onSure={() => void act(refuse)} />
      </div>
    </li>
  );
}

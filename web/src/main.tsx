import { render } from "preact";
import { App } from "./app";
import { EmergencyNotice } from "./parts/emergency-notice";
import { watchEmergencies } from "./state/emergencies";
import { followHash } from "./state/route";
import { checkSession } from "./state/session";
import "./style/base.css";
import "./style/pages.css";
import "./style/live.css";
import "./style/holder.css";
import "./style/controls.css";
import "./style/own.css";
import "./style/account.css";
import "./style/emergency.css";

const root = document.getElementById("app");
if (root === null) throw new Error("index.html has no #app");
followHash();
watchEmergencies();
void checkSession();
render(
  <>
    <App />
    <EmergencyNotice />
  </>,
  root,
);

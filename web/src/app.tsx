import { useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { language, words } from "./i18n/locale";
import { Waiting } from "./parts/waiting";
import { Account } from "./screens/account";
import { CameraList } from "./screens/camera-list";
import { Invitation } from "./screens/invitation";
import { EmergenciesScreen } from "./screens/emergencies";
import { Live } from "./screens/live";
import { People } from "./screens/people";
import { Sessions } from "./screens/sessions";
import { Setup } from "./screens/setup";
import { SignIn } from "./screens/sign-in";
import { problemWords } from "./i18n/problems";
import { forgetCatalogue } from "./state/catalogue";
import { route } from "./state/route";
import { checkSession, session } from "./state/session";

export function App(): JSX.Element {
  useSignalEffect(() => {
    document.documentElement.lang = language.value;
  });
  useSignalEffect(() => {
    if (session.value.name === "out") forgetCatalogue(); // the next person may see other cameras
  });
  const place = route.value;
  // Whoever is signed in: these make a sign-in of their own.
  if (place.name === "invitation") return <Invitation key={place.secret} secret={place.secret} />;
  if (place.name === "setup") return <Setup />;
  return <Signed />;
}

function Signed(): JSX.Element {
  const now = session.value;
  switch (now.name) {
    case "checking":
      return <Waiting text={words.value.loading} />;
    case "unreachable":
      return <Waiting text={problemWords(words.value, now.problem)} onRetry={() => void checkSession()} />;
    case "out":
      return <SignIn lapsed={now.lapsed} />;
    case "in": {
      const place = route.value;
      if (place.name === "sessions") return <Sessions />;
      if (place.name === "people") return <People />;
      if (place.name === "account") return <Account />;
      if (place.name === "emergencies") return <EmergenciesScreen />;
      return place.name === "live" ? <Live key={place.id} id={place.id} /> : <CameraList person={now.person} />;
    }
  }
}

// The two players as one script for a page; rolldown bundles it.
export { WebRTCPlayer } from "@eyevinn/webrtc-player";
export { WHEPClient } from "whip-whep/whep.js";

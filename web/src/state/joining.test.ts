import { afterEach, describe, expect, it } from "vitest";
import { localProblem, problemOf } from "../api/problem";
import { success } from "../api/result";
import { en } from "../i18n/en";
import { comeIn, faultOf, joinProblemWords } from "./joining";
import { routeOf } from "./route";
import { session } from "./session";

afterEach(() => {
  session.value = { name: "checking" };
  location.hash = "";
});

describe("the fields of who comes in", () => {
  it("are checked before the service is asked", () => {
    expect(faultOf(en, { username: "budi", password: "" })).toBe(en.fillAll);
    expect(faultOf(en, { username: " ", password: "gamelan 42" })).toBe(en.fillAll);
    expect(faultOf(en, { username: "pak budi", password: "gamelan 42" })).toBe(en.usernameWrong);
    expect(faultOf(en, { username: "budi", password: "short" })).toBe(en.passwordShort);
    expect(faultOf(en, { username: " Budi.s ", password: "gamelan 42" })).toBeNull();
    expect(faultOf(en, { password: "gamelan 42" })).toBeNull();
  });

  it("are refused in words of their own", () => {
    const says = (status: number, type: string): string => joinProblemWords(en, problemOf(status, null, { type: `urn:camctl:problem:${type}` }), en.linkOver, en.setupWrongCode);
    expect(says(404, "not-found")).toBe(en.linkOver);
    expect(says(409, "not-done")).toBe(en.linkMakerLost);
    expect(says(422, "bad-input")).toBe(en.joinRefused);
    expect(says(401, "wrong-sign-in")).toBe(en.setupWrongCode);
    expect(joinProblemWords(en, localProblem("network"), "", "")).toBe(en.problemNetwork);
  });
});

describe("coming in", () => {
  const person = { username: "budi", displayName: "Pak Budi", role: null };

  it("signs in and takes the secret out of the address", () => {
    history.replaceState(null, "", "#/invitation/secret");
    expect(comeIn(success(person))).toBeNull();
    expect(session.value).toEqual({ name: "in", person });
    expect(location.href).not.toContain("secret");
  });

  it("leaves everything as it was when it is refused", () => {
    history.replaceState(null, "", "#/invitation/secret");
    const problem = localProblem("timeout");
    expect(comeIn({ kind: "error", problem })).toBe(problem);
    expect(session.value.name).toBe("checking");
    expect(location.hash).toBe("#/invitation/secret");
  });
});

describe("addresses", () => {
  it("name one's own access, the set-up and a link", () => {
    expect(routeOf("#/sessions")).toEqual({ name: "sessions" });
    expect(routeOf("#/setup")).toEqual({ name: "setup" });
    expect(routeOf("#/invitation/aB_-9")).toEqual({ name: "invitation", secret: "aB_-9" });
    expect(routeOf("#/invitation/")).toEqual({ name: "list" });
    expect(routeOf("#/invitation/a/b")).toEqual({ name: "list" });
    expect(routeOf(`#/invitation/${"a".repeat(257)}`)).toEqual({ name: "list" });
  });
});

// Who is signed in: a fresh token of our server's each time presence asks for one.
const token = async () => (await (await fetch("/identity", { method: "POST" })).json()).token;
const later = (todo) => (window.presence ||= []).push(todo); // now, or as soon as presence is there

later((presence) => presence.identify(token));
later((presence) => presence.prefill({ phone: "+33 6 12 34 56 78", answers: { customer: "yes" } }));

document.querySelector("#ask").addEventListener("click", () => later((presence) => presence.open("chat")));
document.querySelector("#sign-out").addEventListener("click", () =>
  later(async (presence) => {
    await presence.forget();
    location.assign("./");
  }),
);

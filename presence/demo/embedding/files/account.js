// Who is signed in: a fresh token of our server's each time presence asks for one.
const presence = (window.presence ||= []);
const token = async () => (await (await fetch("/identity", { method: "POST" })).json()).token;

presence.push((presence) => presence.identify(token));
presence.push((presence) => presence.prefill({ phone: "+33 6 12 34 56 78", answers: { customer: "yes" } }));

document.querySelector("#ask").addEventListener("click", () => window.presence.push((presence) => presence.open("chat")));
document.querySelector("#sign-out").addEventListener("click", () => {
  window.presence.push(async (presence) => {
    await presence.forget();
    location.assign("./");
  });
});

// Where somebody wants to go after signing in may name a place in the page, such as a conversation in a mail's link: the server
// is never told of it, so it is carried along here.

const next = document.querySelector("input[name=next]");
if (next instanceof HTMLInputElement && location.hash && !next.value.includes("#")) next.value += location.hash;

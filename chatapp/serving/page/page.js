// What textual-serve's page does inline: where the socket is, and when to begin. The terminal
// measures its font when it begins, so the font has to be there first.
"use strict";

const begin = window.onload;
window.onload = async (event) => {
  const secure = window.location.protocol === "https:";
  const address = `${secure ? "wss" : "ws"}://${window.location.host}/ws`;
  document.querySelector("#terminal").dataset.sessionWebsocketUrl = address;
  const faces = ["16px", "bold 16px", "italic 16px"];
  await Promise.allSettled(faces.map((face) => document.fonts.load(`${face} 'Roboto Mono'`)));
  begin(event);
  new MutationObserver(changed).observe(document.body, { attributeFilter: ["class"] });
};

// Ctrl+W deletes a word in the terminal and closes the tab in a browser: ask first.
window.addEventListener("beforeunload", (event) => {
  if (!document.body.classList.contains("-closed")) event.preventDefault();
});

let [focused, asked] = [false, false];
function changed() {
  const state = document.body.classList;
  if (!focused && state.contains("-first-byte")) {
    focused = true;
    document.querySelector("textarea").focus();
  }
  if (!asked && state.contains("-closed")) {
    asked = true;
    ended();
  }
}

// Say why the session ended, as far as the server tells.
async function ended() {
  try {
    const answer = await fetch("/why");
    const said = await answer.text();
    if (answer.ok && said) document.querySelector("#why").textContent = said;
  } catch {
    document.querySelector("#why").textContent = "The chat has been ended, or cannot be reached.";
  }
}

"use strict";
// Where the socket is, in whatever way this page was reached; the terminal's script looks here when all has loaded.
document.getElementById("terminal").dataset.sessionWebsocketUrl =
  `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws`;
// Keys go to the terminal as soon as it is connected, and again when the window is chosen.
const focus = () => {
  const classes = document.body.classList;
  if (classes.contains("-loaded") && !classes.contains("-closed")) {
    document.querySelector(".xterm-helper-textarea")?.focus();
  }
};
new MutationObserver(focus).observe(document.body, { attributeFilter: ["class"] });
window.addEventListener("focus", focus);

"use strict";
// Where the socket is, in whatever way this page was reached; the terminal's script looks here when all has loaded.
document.getElementById("terminal").dataset.sessionWebsocketUrl =
  `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws`;

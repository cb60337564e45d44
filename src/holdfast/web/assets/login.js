"use strict";
// The one-time link carries its code behind the #, which browsers send nowhere: it goes from here in a request.
(async () => {
  const code = location.hash.slice(1);
  if (!code) return;
  history.replaceState(null, "", location.pathname);
  const answer = await fetch("/enter", { method: "POST", body: new URLSearchParams({ code }) });
  if (answer.ok) {
    location.replace("/");
    return;
  }
  document.getElementById("problem").textContent = await answer.text();
})();

"use strict";
const form = document.getElementById("call"), state = document.getElementById("state"), register = document.getElementById("register");
const num = form.elements.num;
num.value = num.value.replace(/^tel:/i, "").replace(/;.*/, "");
form.addEventListener("submit", async (e) => {
  e.preventDefault();
  state.textContent = "Your phone rings …";
  try {
    const r = await fetch(form.action, {method: "POST", body: new URLSearchParams(new FormData(form))});
    const why = r.headers.get("X-Call-Result");
    state.textContent = (await r.text()).trim() + (why && why !== "answered" ? " (" + why + ")" : "");
  } catch (err) {
    state.textContent = "The server cannot be reached: " + err.message;
  }
});
if (navigator.registerProtocolHandler) {
  register.hidden = false;
  register.addEventListener("click", () => {
    const at = location.origin + location.pathname + "?ext=" + encodeURIComponent(form.elements.ext.value) + "&num=%s";
    navigator.registerProtocolHandler("tel", at);
    state.textContent = "The browser now asks whether it may.";
  });
}

// The demonstration page: the number that is typed in is the number of both elements.
"use strict";
(() => {
  const id = (name) => document.getElementById(name);
  const number = id("number");

  const typed = () => {
    const text = number.value.trim();
    for (const element of [id("component"), id("widget")]) element.setAttribute("number", text);
    for (const element of document.querySelectorAll(".number")) element.textContent = text;
    id("widget").querySelector("[name=call]").disabled = text === "";
  };
  number.addEventListener("input", typed);
  if (number.value.startsWith("tel:")) number.value = number.value.slice(4).replace(/;.*/, "");
  typed();

  id("widget").addEventListener("pbxcall:state", ({ detail }) => {
    const told = detail.state + (detail.reason ? `: ${detail.reason}` : "");
    id("state").textContent = detail.state === "error" ? "" : told; // the element says it in words
  });
  id("bookmarklet").addEventListener("click", (event) => event.preventDefault());
  if (navigator.registerProtocolHandler) {
    id("register").hidden = false;
    id("register").addEventListener("click", () => navigator.registerProtocolHandler("tel", location.origin + location.pathname + "?number=%s"));
  }
})();

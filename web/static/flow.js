"use strict";
// Fills the table of numbers from the worker's own stream; the server writes the names, so only values change here.
const source = new EventSource("/flow/events");
let before = null;
source.onmessage = (message) => {
  const now = JSON.parse(message.data);
  if (before) {
    now.rate = Math.max(0, Math.round((now.sent - before.sent) / Math.max(0.1, now.uptime_seconds - before.uptime_seconds)));
  }
  before = now;
  for (const cell of document.querySelectorAll("[data-number]")) {
    const value = cell.dataset.number.split("/").reduce((found, name) => (found ? found[name] : undefined), now);
    if (value !== undefined && value !== null) cell.textContent = value.toLocaleString("en", { maximumFractionDigits: 1 });
  }
};

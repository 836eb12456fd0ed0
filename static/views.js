// Makes real tabs of the links to the views: no reload, arrow keys, and the choice is remembered.
"use strict";

const YEAR = 365 * 24 * 60 * 60;
const list = document.querySelector(".tabs");
const tabs = [...list.querySelectorAll("[data-view]")];

function panelOf(tab) {
  return document.getElementById(`view-${tab.dataset.view}`);
}

function choose(chosen) {
  for (const tab of tabs) {
    const isChosen = tab === chosen;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    panelOf(tab).classList.toggle("chosen", isChosen);
  }
  const [name, secure] = location.protocol === "https:" ? ["__Host-view", "; secure"] : ["view", ""];
  document.cookie = `${name}=${chosen.dataset.view}; path=/; max-age=${YEAR}; samesite=lax${secure}`;
}

function neighbour(tab, key) {
  const place = tabs.indexOf(tab);
  const places = {
    ArrowRight: (place + 1) % tabs.length,
    ArrowLeft: (place + tabs.length - 1) % tabs.length,
    Home: 0,
    End: tabs.length - 1,
  };
  return tabs[places[key]];
}

list.setAttribute("role", "tablist");
for (const tab of tabs) {
  const panel = panelOf(tab);
  const isChosen = tab.hasAttribute("aria-current");
  tab.id = `tab-${tab.dataset.view}`;
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", panel.id);
  tab.setAttribute("aria-selected", String(isChosen));
  tab.removeAttribute("aria-current");
  tab.tabIndex = isChosen ? 0 : -1;
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", tab.id);
  panel.tabIndex = 0;
  tab.addEventListener("click", (event) => {
    event.preventDefault();
    choose(tab);
  });
  tab.addEventListener("keydown", (event) => {
    const next = event.key === " " ? tab : neighbour(tab, event.key);
    if (!next) return;
    event.preventDefault();
    choose(next);
    next.focus();
  });
}

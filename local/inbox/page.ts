/** The inbox page. Its script and style are files of their own, so that the content policy allows nothing inline. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lazaret inbox</title>
<link rel="stylesheet" href="/assets/inbox.css">
</head>
<body>
<header><h1>Teams inbox</h1><p id="count" aria-live="polite"></p></header>
<main id="cards"><p class="empty">No cards yet. Push an image, and what Lazaret has to say appears here.</p></main>
<script src="/assets/markdown-it.js"></script>
<script src="/assets/adaptivecards.js"></script>
<script src="/assets/inbox.js"></script>
</body>
</html>
`;

/** Close to how Teams looks, light and dark. */
export const STYLE = `
:root { color-scheme: light dark; --page: #f5f5f5; --card: #fff; --text: #242424; --soft: #616161; --line: #e0e0e0;
  --good: #e7f2da; --warning: #fbf6d9; --attention: #f9d9d9; }
@media (prefers-color-scheme: dark) { :root { --page: #1f1f1f; --card: #292929; --text: #fff; --soft: #adadad; --line: #3d3d3d;
  --good: #2c3a1e; --warning: #41361a; --attention: #4a2022; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 14px/1.4 "Segoe UI", system-ui, sans-serif; }
header { display: flex; align-items: baseline; gap: 1rem; max-width: 52rem; margin: 0 auto; padding: 1.25rem 1rem .5rem; }
h1 { font-size: 1.25rem; margin: 0; }
header p { color: var(--soft); margin: 0; }
main { max-width: 52rem; margin: 0 auto; padding: 0 1rem 2rem; }
article { margin: 0 0 1rem; }
article time { display: block; color: var(--soft); font-size: 12px; margin: 0 0 .25rem .25rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 6px; overflow: hidden; box-shadow: 0 1px 3px #0002; }
.empty { color: var(--soft); padding: 3rem 0; text-align: center; }
.ac-adaptiveCard { overflow-wrap: anywhere; }
.ac-pushButton { font: inherit; font-weight: 600; padding: .4rem 1rem; border-radius: 4px; border: 1px solid var(--line);
  background: var(--card); color: var(--text); cursor: pointer; }
`;

/** Fetches the cards and renders them with the library that Teams uses, and a host configuration like that of Teams. */
export const SCRIPT = `'use strict';
const dark = matchMedia('(prefers-color-scheme: dark)').matches;
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const markdown = window.markdownit({ html: false, linkify: false });
AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = markdown.render(text);
  result.didProcess = true;
};
const ink = (strong, soft) => ({ default: strong, subtle: soft });
const colors = dark
  ? { default: ink('#ffffff', '#adadad'), attention: ink('#f9526b', '#e37d80'), warning: ink('#f2c661', '#f2c661'),
      good: ink('#92c353', '#92c353'), accent: ink('#7f85f5', '#7f85f5') }
  : { default: ink('#242424', '#616161'), attention: ink('#c4314b', '#d74654'), warning: ink('#835c00', '#835c00'),
      good: ink('#13a10e', '#13a10e'), accent: ink('#5b5fc7', '#5b5fc7') };
const style = (background) => ({ backgroundColor: background, foregroundColors: colors });
const config = new AdaptiveCards.HostConfig({
  fontFamily: '"Segoe UI", system-ui, sans-serif',
  fontTypes: { default: { fontFamily: '"Segoe UI", system-ui, sans-serif' }, monospace: { fontFamily: 'Consolas, monospace' } },
  fontSizes: { small: 12, default: 14, medium: 14, large: 18, extraLarge: 24 },
  fontWeights: { lighter: 200, default: 400, bolder: 600 },
  lineHeights: { small: 16, default: 20, medium: 20, large: 24, extraLarge: 32 },
  spacing: { small: 4, default: 8, medium: 12, large: 16, extraLarge: 32, padding: 16 },
  supportsInteractivity: true,
  containerStyles: { default: style(css('--card')), emphasis: style(css('--page')), good: style(css('--good')),
    warning: style(css('--warning')), attention: style(css('--attention')), accent: style(css('--page')) },
  actions: { maxActions: 6, spacing: 'default', buttonSpacing: 8, actionsOrientation: 'horizontal', actionAlignment: 'left' },
  factSet: { title: { weight: 'bolder', wrap: true, maxWidth: 150 }, value: { wrap: true }, spacing: 12 },
});
let shown = '';
async function refresh() {
  const cards = await (await fetch('/cards')).json();
  const key = cards.map((card) => card.name).join();
  if (key === shown) return;
  shown = key;
  document.getElementById('count').textContent = cards.length === 1 ? '1 card' : cards.length + ' cards';
  const main = document.getElementById('cards');
  if (cards.length === 0) return;
  main.replaceChildren(...cards.map(({ receivedAt, content }) => {
    const card = new AdaptiveCards.AdaptiveCard();
    card.hostConfig = config;
    card.onExecuteAction = (action) => { if (action.url) window.open(action.url, '_blank', 'noopener'); };
    card.parse(content);
    const article = document.createElement('article');
    const time = document.createElement('time');
    time.dateTime = receivedAt;
    time.textContent = new Date(receivedAt).toLocaleString();
    const box = document.createElement('div');
    box.className = 'card';
    box.append(card.render());
    article.append(time, box);
    return article;
  }));
  document.body.dataset.ready = 'true';
}
setInterval(() => refresh().catch(() => undefined), 1000);
refresh();
`;

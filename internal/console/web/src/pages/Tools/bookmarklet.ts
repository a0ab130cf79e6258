// A bookmark whose address is a script: it opens this console with the number that is selected on
// any web page, else with the only tel: link of it, else it asks.

// find runs in foreign pages. It stands alone, uses nothing that pages may have replaced lightly,
// and holds nothing but the address of the console.
const script = `(function(){
var t=String(getSelection()).trim();
if(!t){var e=document.activeElement;if(e&&typeof e.value==='string'&&e.type!=='password')t=e.value.slice(e.selectionStart||0,e.selectionEnd||0).trim()}
if(!t){var s={};document.querySelectorAll('a[href^="tel:" i]').forEach(function(a){s[a.getAttribute('href')]=1});var k=Object.keys(s);if(k.length===1)t=k[0]}
if(!t)t=prompt('Number to call');
if(t)window.open('ORIGIN/console/#/dial?number='+encodeURIComponent(t.slice(0,500)),'_blank','noopener')
})()`;

/** bookmarklet gives the address of the bookmark. */
export function bookmarklet(origin: string): string {
  const one = script.replaceAll("\n", "").replace("ORIGIN", origin.replace(/['\\]/g, ""));
  return `javascript:${encodeURI(one).replaceAll("#", "%23")}`;
}

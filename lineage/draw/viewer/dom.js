// Elements of the page. Data goes in as text and as attributes of known names only: nothing that data says is ever parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties (`on…`: a listener; `class`, `aria-…`, `data-…`, `role`: attributes) and children (texts or elements). */
function el(name, properties = {}, ...children) {
  return filled(document.createElement(name), properties, children);
}

/** The same in SVG. */
function svgEl(name, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, name), properties, children);
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined && child !== "") element.append(child);
  return element;
}

function replaceIn(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
}

/**
 * A link, if following it runs nothing: else only its text. Relative addresses are of the folder that the page was made for.
 * Browsers leave control characters out of an address, and read a backslash as a slash, so neither is followed.
 */
function linkTo(address, text) {
  const isOdd = /[\u0000-\u001f\u007f-\u009f\\]|^\s/.test(address);
  const isSafe = !isOdd && (/^(https?:\/\/|mailto:|urn:)/i.test(address) || (!/^[a-z][a-z0-9+.-]*:/i.test(address) && !address.startsWith("//")));
  return address && isSafe ? el("a", { href: address, rel: "noreferrer", target: "_blank" }, text) : text;
}

/** What a reader is shown of a text: no marks of direction that would turn what stands around it. */
function plain(text) {
  return String(text).replace(/[\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g, "");
}

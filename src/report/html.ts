// HTML from templates in which everything is escaped that is not HTML already. Knows no page.

/** Markup that is known to be safe: made by `html`, or declared so by `trusted`. */
export interface Markup {
  readonly markup: string;
}

export type Content = string | number | Markup | readonly Content[];

/** A template whose holes are text unless they are markup: html`<p>${text}</p>`. */
export function html(parts: TemplateStringsArray, ...holes: readonly Content[]): Markup {
  return { markup: parts.reduce((page, part, i) => page + render(holes[i - 1]!) + part) };
}

/** Declares a string to be markup; never for anything a user, a file or a model wrote. */
export function trusted(markup: string): Markup {
  return { markup };
}

function render(content: Content): string {
  if (typeof content === "string") return escapeHtml(content);
  if (typeof content === "number") return String(content);
  if ("markup" in content) return content.markup;
  return content.map(render).join("");
}

/** Text as it may stand in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

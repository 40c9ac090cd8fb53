// Which kind of data a study, or one of its runs, is about. Knows nothing else of them.
import { RequestError } from "../../errors.ts";
import { images } from "./images.ts";
import type { Subject } from "./subject.ts";
import { text } from "./text.ts";

const subjects: readonly Subject[] = [text, images];

/** By the key that names the data; where none does, text. */
export function subjectOf(given: Readonly<Partial<Record<Subject["key"], unknown>>>): Subject {
  return subjects.find(({ key }) => given[key] !== undefined) ?? text;
}

/** Errors: RequestError for a key of another kind of data. */
export function requireOwnKeys(subject: Subject, given: Readonly<Record<string, unknown>>): void {
  for (const other of subjects) {
    const key = other === subject ? undefined : other.keys.find((one) => given[one] !== undefined);
    if (key === undefined) continue;
    throw new RequestError(
      `study: ${key} is for studies of ${other.name}, and this is one of ${subject.name}; leave it out`,
    );
  }
}

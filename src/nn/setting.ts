// Kinds of settings that a primitive may have, each with a check. `.default(value)` and `.optional()` say what holds where
// none is given. Knows no primitive.
export { numberBetween, oneOf, positiveNumber, trueOrFalse, wholeNumber } from "../strict.ts";

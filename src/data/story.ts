// The words and sentences of the built-in language. Knows nothing of how it is generated or scored.
// What a reader has to carry along: the hero's name (and with it "she" or "he"), the thing they carry and the
// topic, all for the length of a document; the number of a noun across an aside, for its verb; the kind of bracket.

import type { DocumentGrammar, Grammar, LanguageGrammar } from "./grammar.ts";
import { choice, oneWord, sequence } from "./grammar.ts";

interface Topic {
  role: string;
  places: readonly string[];
  things: readonly string[];
  nouns: readonly string[];
  verbs: readonly string[];
}

// Nouns take "s" for the plural and verbs take "s" for the singular, without exception.
// No word stands in two lists, so that every text has exactly one reading.
const topics: readonly Topic[] = [
  {
    role: "sailor",
    places: ["harbor", "reef", "island"],
    things: ["rope", "net", "oar", "flag"],
    nouns: ["boat", "gull", "wave", "crab", "seal", "mast", "storm", "whale"],
    verbs: ["drift", "float", "swim", "roll", "turn", "sink", "glow"],
  },
  {
    role: "hunter",
    places: ["grove", "valley", "lake"],
    things: ["axe", "bow", "lamp", "horn"],
    nouns: ["owl", "bear", "elm", "raven", "badger", "moth", "ghost", "vine"],
    verbs: ["hide", "growl", "creep", "sleep", "wait", "listen", "fall"],
  },
  {
    role: "baker",
    places: ["square", "tavern", "bridge"],
    things: ["coin", "key", "drum", "book"],
    nouns: ["clerk", "guard", "singer", "mason", "duke", "cook", "beggar", "judge"],
    verbs: ["shout", "work", "laugh", "trade", "nod", "dance", "argue"],
  },
  {
    role: "farmer",
    places: ["barn", "meadow", "stable"],
    things: ["pail", "rake", "hat", "whip"],
    nouns: ["goat", "cow", "hen", "lamb", "mule", "pig", "donkey", "rooster"],
    verbs: ["graze", "jump", "eat", "kick", "yawn", "hurry", "rest"],
  },
];

const heroes = [
  { name: "Ada", subject: "she", possessive: "her" },
  { name: "Bram", subject: "he", possessive: "his" },
  { name: "Cora", subject: "she", possessive: "her" },
  { name: "Hugo", subject: "he", possessive: "his" },
  { name: "Lena", subject: "she", possessive: "her" },
  { name: "Odin", subject: "he", possessive: "his" },
  { name: "Rosa", subject: "she", possessive: "her" },
  { name: "Tomas", subject: "he", possessive: "his" },
] as const;

const adjectives = ["old", "small", "grey", "quiet", "proud", "tired", "brave", "lucky"];
const adverbs = ["again", "slowly", "at dawn", "together", "in the rain", "twice"];
const handling = ["lifts", "drops", "finds", "cleans", "puts away", "looks at"];

/** A language of short stories: some 130 words, 128 settings of topic, hero and thing. */
export function storyLanguage(): LanguageGrammar {
  const documents: DocumentGrammar[] = [];
  for (const topic of topics) {
    for (const hero of heroes) {
      // The same mild Zipf law as for words drawn in place.
      topic.things.forEach((thing, index) => {
        documents.push(story(topic, hero, thing, 1 / (index + 3)));
      });
    }
  }
  return { separator: "\n\n", joint: " ", another: 5 / 6, documents };
}

function story(topic: Topic, hero: (typeof heroes)[number], thing: string, weight: number): DocumentGrammar {
  const noun = oneWord(topic.nouns);
  const verb = oneWord(topic.verbs);
  const described = sequence(choice([1, ""], [1, sequence(oneWord(adjectives), " ")]), noun);
  const ending = choice([1, "."], [1, sequence(" ", oneWord(adverbs), ".")]);
  const thingPhrase = `${hero.possessive} ${thing}`;
  const opening = sequence(
    `${hero.name} the ${topic.role} came to the `,
    oneWord(topic.places),
    ` with ${thingPhrase}.`,
  );
  const aside = (open: string, close: string): Grammar =>
    sequence(` ${open}near the `, noun, choice([1, ""], [1, "s"]), `${close} `);
  const clause = (nounEnd: string, verbEnd: string): Grammar =>
    sequence(
      described,
      nounEnd,
      choice([2, " "], [1, aside("(", ")")], [1, aside("[", "]")]),
      verb,
      verbEnd,
      ending,
    );
  const sentence = choice(
    [4, sequence("the ", choice([1, clause("", "s")], [1, clause("s", "")]))],
    [2, sequence(`${hero.name} and the `, described, choice([1, ""], [1, "s"]), " ", verb, ending)],
    [2, sequence(`${hero.subject} `, oneWord(handling), ` ${thingPhrase}.`)],
    [2, sequence('"', verb, choice([1, " and "], [1, " or "]), verb, `," says ${hero.name}.`)],
  );
  return { weight, opening, sentence };
}

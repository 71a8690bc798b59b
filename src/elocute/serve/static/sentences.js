// @ts-check
/** Sentences to read: by what they exercise. */

/** @type {Record<string, string[]>} */
export const SENTENCES = {
  "Everyday": [
    "Please call Stella, and ask her to bring these things.",
    "Could you tell me how to get to the station?",
    "I would like a cup of tea with a little milk.",
  ],
  "th: thin and this": [
    "They thought the third path was three miles further.",
    "My brother's birthday is on Thursday the thirteenth.",
  ],
  "r and l": [
    "The red lorry rolled along the rough, lonely road.",
    "Really clever girls read longer letters.",
  ],
  "v and w": [
    "We visited seven villages in very wet weather.",
  ],
  "Long and short vowels": [
    "Six sheep sleep in this ship; keep it clean.",
    "He put the good food in a pool of cool wood.",
  ],
  "Word endings": [
    "She asked for fixed prices and washed the old clothes.",
    "The child finds five bags and hides them in bed.",
  ],
  "Stress and rhythm": [
    "The photographer took a photograph of economic development.",
    "I didn't say you should present him with a present.",
  ],
  "A longer text": [
    "When the sunlight strikes raindrops in the air, they act as a prism and form a rainbow. "
      + "The rainbow is a division of white light into many beautiful colours.",
  ],
};

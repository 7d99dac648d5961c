import { z } from "zod";
import { defineFilter, type FilterPlugin, lowerCaseWords } from "../filter.ts";
import { questionText } from "../question.ts";

const unseen =
  "heard|hears|hear|sound|sounds|says|said|talks about|voice|music|thinks|thought|believes|feels|felt|wants|wanted|intends|hopes|decides|probably|presumably|apparently|maybe|perhaps|beautiful|outside the frame|out of frame|off screen|off-screen|offscreen|behind the camera|not visible|cannot be seen|not shown";
const params = z.strictObject({
  phrases: z
    .array(z.string())
    .default(unseen.split("|"))
    .describe(
      "words and phrases about what a picture cannot show: sound, thought, intention, guess, places outside",
    ),
});

/** Text about things that nobody can see in the clip is not grounded. */
const filter: FilterPlugin = defineFilter({
  summary: "nothing about sounds, thoughts, guesses or what is outside the picture",
  source: "VideoPerceiver's rule-based validator (notes A8), made into code by us",
  params,
  create: ({ phrases }) => {
    const known = phrases.map((phrase) => lowerCaseWords(phrase).join(" "));
    return {
      check: (sample) => {
        const text = ` ${lowerCaseWords(`${questionText(sample)} . ${sample.answer}`).join(" ")} `;
        const found = known.find((phrase) => text.includes(` ${phrase} `));
        return found === undefined ? undefined : `"${found}" cannot be seen`;
      },
    };
  },
});

export default filter;

/** A small file of a source and what becomes of it. */
export interface SourceCase {
  /** Files by name; the first is the place, or, with `place`, the folder that they lie in. */
  readonly files: Readonly<Record<string, string>>;
  readonly place?: string;
  /** What the rows look like, in order. */
  readonly rows: readonly object[];
  /** What the reasons of rows that cannot be used say, in order. */
  readonly unread?: readonly RegExp[];
  /** Named by its look as well. */
  readonly recognised?: false;
}

const sampleRow = JSON.stringify({
  id: "one",
  clip: { file: "clips/a.mp4", sha256: "a".repeat(64), timeline: { count: 5, framesPerSecond: 5 } },
  messages: [{ role: "user", content: [{ type: "text", text: "What?" }] }],
  answer: "it",
  answerKind: "open",
  provenance: {},
});
const datasetJson = JSON.stringify({
  schema: "videoperceiver/dataset@1",
  counts: { samples: 1, clips: 1, rejected: 0 },
  skills: {},
  recipe: { name: "test", params: {} },
  files: [{ file: "samples-00000.jsonl", sha256: "b".repeat(64), rows: 1 }],
  contentHash: "c".repeat(64),
});

/** Every source: what it makes of a small file of its kind, broken rows included. */
export const sourceCases: Record<string, SourceCase[]> = {
  csv: [
    {
      files: {
        "t.csv":
          "Video Path,Caption,start,end,extra\na.mp4,A dog jumps.,1.5,2,x\nb.mp4,Nothing.,,,\nc.mp4,Bad.,3,1,\nd.mp4\n",
      },
      rows: [
        {
          id: "t.csv:2",
          clip: { file: "a.mp4" },
          caption: "A dog jumps.",
          events: [{ startSeconds: 1.5, endSeconds: 2, what: "A dog jumps." }],
          provenance: { extra: "x", source: "t.csv:2" },
        },
        { clip: { file: "b.mp4" }, caption: "Nothing." },
      ],
      unread: [/end after its start.*3 to 1/, /5 cells; got 1/],
    },
    {
      files: { "t.tsv": "id\ttext\nv1\tA, dog\n" },
      rows: [{ id: "t.tsv:2", clip: { file: "v1" }, caption: "A, dog" }],
    },
    {
      files: { "events.csv": "clip;events\na.mp4;0.5-1 falls; 2-2.5 rises\nb.mp4;soon\n" },
      rows: [],
      unread: [/3/, /1\.2-1\.6 what happens.*soon/],
    },
    {
      // Line breaks of Windows inside of cells count once; a row is where it begins.
      files: {
        "lines.csv":
          'clip,caption\r\na.mp4,"One\r\ntwo\r\nthree."\r\nb.mp4,Four.\r\n\r\nc.mp4,"Five\r\nsix."\r\nd.mp4\r\n',
      },
      rows: [
        { id: "lines.csv:2", caption: "One\ntwo\nthree." },
        { id: "lines.csv:5", clip: { file: "b.mp4" } },
        { id: "lines.csv:7", caption: "Five\nsix." },
      ],
      unread: [/2 cells; got 1/],
    },
    {
      files: {
        "quotes.csv":
          'clip,caption\na.mp4,He says "go" twice.\nb.mp4,"He" says.\nc.mp4,"""Go"" he says."\nd.mp4,Last.\n',
      },
      rows: [
        { clip: { file: "a.mp4" }, caption: 'He says "go" twice.' },
        { id: "quotes.csv:4", caption: '"Go" he says.' },
        { id: "quotes.csv:5", caption: "Last." },
      ],
      unread: [/behind its closing quote/],
    },
    {
      files: { "quotes.tsv": 'clip\tcaption\na.mp4\t"He" says.\nb.mp4\tA 6" board.\n' },
      rows: [{ caption: '"He" says.' }, { caption: 'A 6" board.' }],
    },
    {
      files: { "pipes.csv": "clip|caption\na.mp4|One, two.\n" },
      rows: [{ clip: { file: "a.mp4" }, caption: "One, two." }],
    },
  ],
  json: [
    {
      files: {
        "t.jsonl":
          '{"video":"a.mp4","caption":"It falls.","events":[{"start":1,"end":2,"what":"falls"}]}\n{"video":\n{"caption":"no clip"}\n[1]\n',
      },
      rows: [{ clip: { file: "a.mp4" }, events: [{ startSeconds: 1, endSeconds: 2, what: "falls" }] }],
      unread: [/not valid JSON/, /no column names the clips/, /expected an object/],
    },
    {
      files: {
        "t.json": '{"a.mp4":"It falls.","b.mp4":{"question":"What?","answer":"B","choices":["x","y"]}}',
      },
      rows: [
        { clip: { file: "a.mp4" }, caption: "It falls." },
        { clip: { file: "b.mp4" }, answer: "B", answerKind: "choice", options: ["x", "y"] },
      ],
    },
    {
      // Of an object or a list of several no text is made; a list of one is that one.
      files: {
        "kinds.json": JSON.stringify([
          { video: "a.mp4", caption: 3 },
          { video: ["a.mp4", "b.mp4"], caption: "x" },
          { video: ["a.mp4"], question: "?", answer: ["y"], skill: [] },
          { video: "a.mp4", caption: { en: "x" } },
          { video: "a.mp4", caption: ["x", "y"] },
          { video: "a.mp4", question: "?", answer: "x", options: [{ text: "x" }, { text: "y" }] },
          { video: "a.mp4", events: { start: 1, end: 2 } },
        ]),
      },
      rows: [{ caption: "3" }, { clip: { file: "a.mp4" }, answer: "y" }],
      unread: [
        /^not one text: "video"; got \["a\.mp4","b\.mp4"\]$/,
        /"caption"; got \{"en":"x"\}/,
        /"caption"; got \["x","y"\]/,
        /not one text; got \{"text":"x"\}/,
        /"events"; got/,
      ],
    },
  ],
  folder: [
    {
      files: {
        "clips/deep/b.webm": "",
        "clips/a.mp4": "",
        "clips/a.txt": "A dog\n jumps.\n",
        "clips/b.srt":
          "1\n00:00:01,000 --> 00:00:02,500\n<i>It falls</i>\n\n2\n00:01:00,5 --> 00:01:01,000\n\n",
        "clips/b.avi": "",
        "clips/c.mkv": "",
        "clips/c.vtt": "WEBVTT\n\n00:02.000 --> 00:01.000\nbad\n",
        "clips/notes.md": "",
        "clips/.hidden/x.mp4": "",
      },
      place: "clips",
      rows: [
        { id: "a.mp4", caption: "A dog jumps." },
        {
          id: "b.avi",
          caption: "It falls",
          events: [{ startSeconds: 1, endSeconds: 2.5, what: "It falls" }],
        },
        { id: "deep/b.webm" },
      ],
      unread: [/ends before it starts: .*c\.vtt:3/],
    },
    {
      // What stands in a sidecar is an event or is told: cues behind each other, broken times, words behind an empty line.
      files: {
        "cues/a.mp4": "",
        "cues/a.SRT":
          "1\n00:00:00,200 --> 00:00:01,000\nOne\n2\n00:00:01,000 --> 00:00:01,500\n3 men\n7\n\n3\n\n",
        "cues/b.mp4": "",
        "cues/b.srt": "1\n00:00:00,2 -> 00:00:01,0\nOne\n\n2\n00:00:01,000 --> 00:00:01,500\nTwo\n",
        "cues/c.mp4": "",
        "cues/c.vtt":
          "WEBVTT - test\nKind: captions\n\nNOTE\nnothing\n\nname\n00:00.200 --> 00:01.000\nOne\n\nTwo\n",
        "cues/d.mp4": "",
        "cues/d.vtt": "WEBVTT\n\nSTYLE\n::cue {}\n\nname\n00:00.200 --> 00:01.000 align:start\nOne\n",
        "cues/e.srt": "1\n00:00:00,200 --> 00:00:01,000\nOne\n",
        // As YouTube writes them: a line of a space above or below the words.
        "cues/g.mp4": "",
        "cues/g.vtt":
          "WEBVTT\nKind: captions\n\n00:00:00.000 --> 00:00:01.000 align:start position:0%\n \nOne<00:00:00.480><c> two</c>\n\n00:00:01.000 --> 00:00:01.010\nOne two\n \n\n",
        "cues/f.txt": "notes",
      },
      place: "cues",
      rows: [
        {
          id: "a.mp4",
          events: [
            { startSeconds: 0.2, endSeconds: 1, what: "One" },
            { startSeconds: 1, endSeconds: 1.5, what: "3 men 7" },
          ],
        },
        { id: "d.mp4", caption: "One" },
        {
          id: "g.mp4",
          events: [
            { startSeconds: 0, endSeconds: 1, what: "One two" },
            { startSeconds: 1, endSeconds: 1.01, what: "One two" },
          ],
        },
      ],
      unread: [
        /^words without times: .*b\.srt:2; expected cues .*; got 00:00:00,2 -> /,
        /^words without times: .*c\.vtt:11; .*; got Two$/,
        /^no clip has this name$/,
      ],
    },
    {
      files: { "texts/a.mp4": "", "texts/a.txt": "One", "texts/b.txt": "Two", "texts/README.txt": "of all" },
      place: "texts",
      rows: [{ caption: "One" }],
      unread: [/^no clip has this name$/],
    },
  ],
  dataset: [
    {
      files: { "set/dataset.json": datasetJson, "set/samples-00000.jsonl": `${sampleRow}\n` },
      place: "set",
      rows: [{ id: "one", answer: "it" }],
    },
  ],
  hmdb51: [
    {
      files: {
        "splits/wave_test_split1.txt": "x_wave_u_nm_np1_fr_goo_5.avi 1 \ny.avi 2\nz.avi 0\nbroken\n",
        "splits/shake_hands_test_split1.txt": "h.avi 2 \n",
        "splits/wave_test_split2.txt": "other.avi 1\n",
      },
      place: "splits",
      rows: [
        { clip: { file: "h.avi" }, caption: 'A person performs the action "shake hands".', split: "test" },
        { clip: { file: "x_wave_u_nm_np1_fr_goo_5.avi" }, keywords: ["wave"], split: "train" },
        { clip: { file: "y.avi" }, split: "test" },
      ],
      unread: [/CLIP\.avi 0, 1 or 2/],
    },
    {
      files: { "org/wave/x_wave_u_nm_np1_fr_goo_5.avi": "", "org/clap/y_clap_h_cm_np1_le_med_0.avi": "" },
      place: "org",
      rows: [
        { clip: { file: "clap/y_clap_h_cm_np1_le_med_0.avi" }, keywords: ["clap"] },
        { keywords: ["wave"] },
      ],
    },
  ],
  "celebv-hq": [
    {
      files: {
        "info.json": JSON.stringify({
          meta_info: { appearance_mapping: ["young", "wavy_hair"], action_mapping: ["smile", "look_around"] },
          clips: {
            a_0: {
              ytb_id: "a",
              duration: { start_sec: 10, end_sec: 14 },
              attributes: {
                appearance: [1, 1],
                action: [1, 1],
                emotion: {
                  sep_flag: true,
                  labels: [
                    { emotion: "neutral", start_sec: 10, end_sec: 12 },
                    { emotion: "happy", start_sec: 12, end_sec: 14 },
                  ],
                },
              },
            },
            b_0: {
              ytb_id: "b",
              duration: { start_sec: 0, end_sec: 3 },
              attributes: {
                appearance: [0, 0],
                action: [0, 0],
                emotion: { sep_flag: false, labels: "sadness" },
              },
            },
            c_0: {
              ytb_id: "c",
              duration: { start_sec: 0, end_sec: 3 },
              attributes: { appearance: [0], action: [0, 0], emotion: { sep_flag: false, labels: "x" } },
            },
          },
        }),
      },
      rows: [
        {
          id: "a_0",
          caption: "The person does: smile and look around. The face looks neutral, then happy.",
          events: [
            { startSeconds: 0, endSeconds: 2, what: "the face looks neutral" },
            { startSeconds: 2, endSeconds: 4, what: "the face looks happy" },
          ],
          provenance: { appearance: ["young", "wavy hair"] },
        },
        { caption: "The face looks sadness." },
      ],
      unread: [/appearance; expected 2; got 1/],
    },
  ],
  "mm-au": [
    {
      files: {
        "ood.txt":
          "11//010043 77 107 125，ego-car does not hit a car//too fast//slow down//ego-car hits a car\n39//010045 1 9 8,no//c//p//x\nnot a line\n",
      },
      rows: [
        {
          clip: { file: "010043" },
          caption: "ego-car hits a car",
          frameEvents: [{ startFrame: 106, endFrame: 125, what: "ego-car hits a car" }],
          provenance: { accidentType: 11, cause: "too fast", prevention: "slow down" },
        },
      ],
      unread: [/frames 9 to 8/, /TYPE\/\/VIDEO/],
    },
  ],
  dota: [
    {
      files: {
        "metadata.json": JSON.stringify({
          a_1: {
            anomaly_start: 41,
            anomaly_end: 94,
            anomaly_class: "ego: turning",
            num_frames: 120,
            subset: "val",
          },
          b_1: { anomaly_start: 9, anomaly_end: 9, anomaly_class: "other: lateral", num_frames: 20 },
          c_1: { anomaly_start: "x" },
        }),
      },
      rows: [
        {
          id: "a_1",
          split: "val",
          frameEvents: [
            { startFrame: 41, endFrame: 94, what: "an accident of the car with the camera (turning)" },
          ],
        },
      ],
      unread: [/frames 9 to 9/, /anomaly_start/],
    },
  ],
  "activitynet-captions": [
    {
      files: {
        "val.json": JSON.stringify({
          v_a: {
            duration: 55,
            timestamps: [
              [0.28, 55],
              [9, 3],
            ],
            sentences: ["One. ", " Two."],
          },
          v_b: { duration: 5, timestamps: [[0, 1]], sentences: [] },
        }),
      },
      rows: [
        {
          id: "v_a",
          caption: "One. Two.",
          events: [
            { startSeconds: 0.28, endSeconds: 55, what: "One." },
            { startSeconds: 3, endSeconds: 9, what: "Two." },
          ],
        },
      ],
      unread: [/as many sentences/],
    },
  ],
  qvhighlights: [
    {
      files: {
        "h.jsonl":
          '{"qid":1,"query":"A dog.","vid":"x_0.0_150.0","duration":150,"relevant_windows":[[2,4],[8,10]]}\n{"qid":2,"query":"A cat.","vid":"y"}\n',
      },
      rows: [
        {
          id: "qvhighlights-1",
          clip: { file: "x_0.0_150.0" },
          events: [
            { startSeconds: 2, endSeconds: 4 },
            { startSeconds: 8, endSeconds: 10 },
          ],
        },
      ],
      unread: [/relevant_windows/],
    },
  ],
  "charades-sta": [
    {
      files: { "c.txt": "3MSZA 24.3 30.4##person turn a light on.\nX 5 5##same\nbad\n" },
      rows: [
        {
          id: "c.txt:1",
          clip: { file: "3MSZA" },
          events: [{ startSeconds: 24.3, endSeconds: 30.4, what: "person turn a light on." }],
        },
      ],
      unread: [/5 to 5/, /START END##/],
    },
  ],
  ssv2: [
    {
      files: {
        "ssv2.json": JSON.stringify([
          {
            id: "78687",
            label: "x",
            template: "Holding [something] next to [something]",
            placeholders: ["a cup", "a pen"],
          },
          { id: "2", label: "x", template: "Holding [something]", placeholders: [] },
          { id: "3" },
        ]),
      },
      rows: [{ id: "ssv2-78687", clip: { file: "78687" }, caption: "Holding a cup next to a pen" }],
      unread: [/1 placeholders/, /template/],
    },
  ],
  chat: [
    {
      files: {
        "swift.jsonl": `${[
          {
            messages: [
              { role: "system", content: "Be brief." },
              { role: "user", content: "<video>What happens?" },
              { role: "assistant", content: "It falls." },
            ],
            videos: ["a.mp4"],
          },
          { messages: [{ role: "user", content: "<video>What?" }], videos: ["a.mp4"] },
          {
            messages: [
              { role: "user", content: "<video>?" },
              { role: "assistant", content: "x" },
            ],
            videos: [],
          },
        ]
          .map((one) => JSON.stringify(one))
          .join("\n")}\n`,
      },
      rows: [{ id: "swift.jsonl:1", clip: { file: "a.mp4" }, answer: "It falls." }],
      unread: [/no answer/, /more <video> marks/],
    },
    {
      files: {
        "share.json": JSON.stringify([
          {
            id: "s1",
            video: "b.mp4",
            conversations: [
              { from: "human", value: "<video>\nWhat happens?" },
              { from: "gpt", value: "It rises." },
            ],
          },
        ]),
      },
      rows: [{ id: "s1", clip: { file: "b.mp4" }, answer: "It rises." }],
    },
    {
      files: {
        "trl.jsonl": `${JSON.stringify({
          prompt: [
            {
              role: "user",
              content: [
                { type: "video", video: "c.mp4" },
                { type: "text", text: "What happens?" },
              ],
            },
          ],
          chosen: [{ role: "assistant", content: "It turns." }],
          rejected: [{ role: "assistant", content: "Nothing." }],
        })}\n`,
      },
      rows: [{ clip: { file: "c.mp4" }, answer: "It turns.", rejected: { answer: "Nothing." } }],
    },
    {
      files: {
        "pairs.jsonl": [
          { rejected_response: "It rises.", rejected_videos: ["d.mp4"] },
          { rejected_videos: "d.mp4" },
          { rejected_messages: [{ role: "assistant", content: "No." }] },
          { rejected: null, rejected_response: null, rejected_messages: null, rejected_videos: null },
          { rejected_videos: ["d.mp4", "e.mp4"] },
          { rejected_response: " " },
        ]
          .map((worse) =>
            JSON.stringify({
              messages: [
                { role: "user", content: "<video>What happens?" },
                { role: "assistant", content: "It falls." },
              ],
              videos: ["a.mp4"],
              ...worse,
            }),
          )
          .join("\n"),
      },
      rows: [
        { clip: { file: "a.mp4" }, rejected: { answer: "It rises.", clip: { file: "d.mp4" } } },
        { rejected: { clip: { file: "d.mp4" } } },
        { rejected: { answer: "No." } },
        { answer: "It falls." },
      ],
      unread: [/not about one clip: rejected_videos/, /an empty rejected answer/],
    },
    {
      files: {
        "factory.json": JSON.stringify([
          {
            videos: ["a.mp4"],
            conversations: [{ from: "human", value: "<video>What happens?" }],
            chosen: { from: "gpt", value: "It falls." },
            rejected: { from: "gpt", value: "It rises." },
          },
        ]),
      },
      rows: [{ answer: "It falls.", rejected: { answer: "It rises." } }],
    },
    {
      files: {
        "alpaca.json": JSON.stringify([
          {
            instruction: "<video>What happens?",
            input: "Be brief.",
            output: "It falls.",
            history: [["First?", "A jump."]],
            videos: ["a.mp4"],
          },
          { instruction: "<video>What?", input: "", output: "", videos: ["a.mp4"] },
        ]),
      },
      rows: [{ answer: "It falls.", clip: { file: "a.mp4" } }],
      unread: [/^an empty answer/],
    },
    {
      // Beside another layout these names are a row's own, whatever they hold.
      files: {
        "own.json": JSON.stringify(
          [
            { output: "Other words." },
            { input: { from: "a film" } },
            { instruction: ["one"], audio: false },
          ].map((own) => ({
            conversations: [
              { from: "human", value: "<video>What happens?" },
              { from: "gpt", value: "It falls." },
            ],
            video: "a.mp4",
            ...own,
          })),
        ),
      },
      rows: [1, 2, 3].map(() => ({ answer: "It falls.", clip: { file: "a.mp4" } })),
    },
    {
      // A question may be about the picture or the sound that nobody would be shown.
      files: {
        "media.json": JSON.stringify(
          [
            { images: ["b.png"] },
            { audios: ["b.wav"] },
            { image: "b.png" },
            { images: [], audios: null },
          ].map((media) => ({
            conversations: [
              { from: "human", value: "<video>What happens?" },
              { from: "gpt", value: "It falls." },
            ],
            videos: ["a.mp4"],
            ...media,
          })),
        ),
      },
      rows: [{ answer: "It falls." }],
      unread: [/read; got images$/, /read; got audios$/, /read; got image$/],
    },
  ],
};

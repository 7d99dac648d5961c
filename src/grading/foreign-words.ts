/**
 * English words for those that announce, affirm, deny and join answers in other languages, so that one set of rules
 * reads them all. Longer phrases first: a phrase is replaced before its parts.
 */
const eastAsian: readonly (readonly [RegExp, string])[] = [
  [/(?<=[A-Za-z)\]])\s*(?:选项|選項|项(?!目)|番(?!号)|번)/g, " "],
  [/(?:我|个人)?(?:认为|認為|觉得|判断|推测|と思います|생각합니다)/g, " I think "],
  [/不\s*(?:是|选|選|应选|选择)|并非|不為|不为|ではありません|ではない|아닙니다|아니다/g, " is not "],
  [/不(?:太)?(?:正确|正確|对|對|准确|符合)|错误|錯誤|有误|不成立|間違い|틀립니다|틀렸/g, " is wrong "],
  [/排除|除了|除外/g, " eliminate "],
  [/因为|因為|由于|なぜなら|왜냐하면/g, " because "],
  [/所以|因此|故(?=选|選|答|本)|综上|したがって|따라서/g, " so "],
  [/最(?:符合|合适|合適|准确|準確|恰当|接近)(?:题意|視頻|视频)?/g, " is best "],
  [/最终|最終|最后|最佳/g, " final "],
  [
    /正确(?:的)?(?:答案|选项)|正確(?:的)?答案|正解|答案|答え|回答|解答|정답|답변|답(?=은|이|[:：\s])|答(?=\s*[:：是为])/g,
    " answer ",
  ],
  [/选项|選項|選択肢|선택지|보기/g, " option "],
  [/[应應](?:[该該])?(?:是|为|為)/g, " answer is "],
  [/(?:应该|应|應|我|故|可|请)?(?:选择|選擇|选|選)(?:的)?/g, " choose "],
  [/正确|正確|正しい|准确|符合(?:题意)?|맞습니다/g, " is correct "],
  [/可能|也许|或许|大概|たぶん|아마/g, " maybe "],
  [/或者|还是|還是|或|または|もしくは|또는|혹은/g, " or "],
  [/以及|和|与|與|及|跟|並びに|そして|그리고|와|과/g, " and "],
  [/是|为|為|は|이|가|은|는/g, " is "],
  [/です|である|입니다|이다|的|项|了/g, " "],
];
const ANNOUNCED =
  "antwort|lösung|réponse|reponse|respuesta|resposta|risposta|antwoord|ответ|odpowied[źz]|odpověď|cevap|yanıt|svar|vastaus|răspunsul|đáp án|jawaban|उत्तर|الإجابة|الجواب";
const announcing = new RegExp(`(?<!\\p{L})(?:${ANNOUNCED})(?!\\p{L})`, "giu");
const copulas = /(?<!\p{L})(?:lautet|ist|est|es|é|è|è|je|jest|är|er|là|adalah|wäre)(?!\p{L})/giu;
const correct =
  /(?<!\p{L})(?:richtige?n?|korrekte?|correcte|correcta|corretta|correta|certa|giusta|juiste|doğru|juste|bonne|правильный|juiste)(?!\p{L})/giu;

/** A text with the words that matter here in English; texts in English stay as they are. */
export const inEnglish = (text: string): string => {
  let said = text;
  if (/[\u3040-\u30FF\u3400-\u9FFF\uAC00-\uD7AF]/.test(said))
    for (const [words, english] of eastAsian) said = said.replace(words, english);
  announcing.lastIndex = 0;
  if (!announcing.test(said)) return said;
  return said.replace(announcing, "answer").replace(correct, "correct").replace(copulas, "is");
};

// Reads answers out of text: what is said, what is denied, what is not an answer.
import { gradeAnswer } from "videoperceiver/grading";

const options = ["the cup falls", "the cup stays"];
for (const completion of ["The answer is (A).", "Option A is wrong.", "A, B"]) {
  const { correct, parsed } = gradeAnswer({ answerKind: "choice", answer: "A", options, completion });
  console.log(`${JSON.stringify(completion)}: ${parsed ?? "no answer"}, ${correct ? "right" : "wrong"}`);
}

"""The anchor's side of a benchmark: one line on standard input is one round, one line of JSON answers it.

Give `answer_rounds` a function of the round's number that does the work and returns {"value": ..., "result": [...]}
("result" may be left out). Whatever libraries print goes to standard error.
"""

import json
import os
import sys


def answer_rounds(round_function):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for number, _ in enumerate(sys.stdin):
        answers.write(json.dumps(round_function(number)) + "\n")
        answers.flush()

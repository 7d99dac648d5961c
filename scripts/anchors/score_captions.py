"""Scores caption pairs with rouge-score and NLTK: the anchor of bench/score-captions.ts."""

import json
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))

from answer_rounds import answer_rounds
from overlap import Overlap

dict_folder, pairs_file = sys.argv[1:3]
with open(pairs_file, encoding="utf8") as file:
    pairs = json.load(file)
work = tempfile.TemporaryDirectory()
overlap = Overlap(dict_folder, work.name)


def one_round(_):
    start = time.perf_counter()
    rows = [overlap.scores(pair) for pair in pairs]
    value = 1000 * (time.perf_counter() - start)
    return {"value": value, "result": [sum(column) / len(rows) for column in zip(*rows)]}


answer_rounds(one_round)

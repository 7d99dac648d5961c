"""What rouge-score and NLTK make of pairs, words and sentences on standard input, as JSON."""

import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "anchors"))

from overlap import Overlap

asked = json.load(sys.stdin)
with tempfile.TemporaryDirectory() as work:
    overlap = Overlap(sys.argv[1], work)
    json.dump(
        {
            "scores": [overlap.scores(pair) for pair in asked["pairs"]],
            "stems": [overlap.stemmer.stem(word) for word in asked["words"]],
            "tokens": [overlap.tokens([sentence]) for sentence in asked["sentences"]],
        },
        sys.stdout,
    )

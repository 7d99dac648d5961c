"""Reference server of the scorer protocol (docs/relevance.md): BLIP-2 image-text similarity over HTTP.

    python -m venv .venv && .venv/bin/pip install torch transformers pillow
    .venv/bin/python scripts/blip2-scorer/server.py --model Salesforce/blip2-itm-vit-g --port 8765

GET /info   -> {"protocol": "videoperceiver/scorer@1", "model": ..., "version": ..., "unit": ...}
POST /score <- {"keywords": ["flip pancake"], "frames": ["<base64 of a PNG or JPEG>"]}
            -> {"scores": [0.31]}, one a frame: cosine of the frame (best of BLIP-2's queries) and the mean keyword
"""

import argparse
import base64
import binascii
import hashlib
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROTOCOL = "videoperceiver/scorer@1"
MAX_BODY = 256 * 1024 * 1024


class BadRequest(Exception):
    """What the client sent cannot be scored."""


def identity(name, model):
    """Name and version of the weights: the hub's commit, or a hash over a local folder's files."""
    folder = Path(name)
    if not folder.is_dir():
        return name, getattr(model.config, "_commit_hash", None) or "unknown commit"
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin")):
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return folder.resolve().name, digest.hexdigest()[:12]


class Blip2Scorer:
    """BLIP-2's image-text contrastive heads; one forward pass at a time."""

    def __init__(self, name, device):
        import torch
        from transformers import AutoProcessor, Blip2ForImageTextRetrieval

        self.torch = torch
        self.device = device
        kind = torch.float16 if device.startswith("cuda") else torch.float32
        self.processor = AutoProcessor.from_pretrained(name)
        self.model = Blip2ForImageTextRetrieval.from_pretrained(name, torch_dtype=kind).to(device).eval()
        self.kind = kind
        self.name, self.version = identity(name, self.model)
        self.lock = threading.Lock()

    def text_vector(self, keywords):
        tokens = self.processor.tokenizer(keywords, padding=True, truncation=True, return_tensors="pt").to(self.device)
        embedded = self.model.embeddings(input_ids=tokens.input_ids)
        states = self.model.qformer(
            query_embeds=embedded, query_length=0, attention_mask=tokens.attention_mask, return_dict=True
        ).last_hidden_state
        vectors = self.torch.nn.functional.normalize(self.model.text_projection(states[:, 0]).float(), dim=-1)
        return self.torch.nn.functional.normalize(vectors.mean(dim=0), dim=-1)

    def image_vectors(self, images):
        pixels = self.processor.image_processor(images, return_tensors="pt").pixel_values.to(self.device, self.kind)
        seen = self.model.vision_model(pixels).last_hidden_state
        mask = self.torch.ones(seen.shape[:-1], dtype=self.torch.long, device=self.device)
        queries = self.model.query_tokens.expand(seen.shape[0], -1, -1)
        states = self.model.qformer(
            query_embeds=queries, encoder_hidden_states=seen, encoder_attention_mask=mask, return_dict=True
        ).last_hidden_state
        return self.torch.nn.functional.normalize(self.model.vision_projection(states).float(), dim=-1)

    def score(self, keywords, images):
        with self.lock, self.torch.inference_mode():
            text = self.text_vector(keywords)
            return (self.image_vectors(images) @ text).max(dim=1).values.tolist()


def parse_request(body):
    """Keywords and pictures of a request body. Raises BadRequest with one line."""
    from PIL import Image, UnidentifiedImageError

    try:
        data = json.loads(body)
        keywords = data["keywords"]
        frames = data["frames"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest(f"expected JSON with keywords and frames: {error}") from error
    if not isinstance(keywords, list) or not keywords or not all(isinstance(k, str) and k.strip() for k in keywords):
        raise BadRequest("keywords must be a list of non-empty strings")
    if not isinstance(frames, list) or not frames:
        raise BadRequest("frames must be a list of base64 pictures")
    images = []
    for at, frame in enumerate(frames):
        try:
            images.append(Image.open(io.BytesIO(base64.b64decode(frame, validate=True))).convert("RGB"))
        except (binascii.Error, TypeError, ValueError, UnidentifiedImageError, OSError) as error:
            raise BadRequest(f"frame {at} is no picture: {error}") from error
    return keywords, images


def handler_for(scorer):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status, value):
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            if self.path != "/info":
                return self.answer(404, {"error": "GET /info or POST /score"})
            unit = "cosine in [-1, 1]"
            self.answer(200, {"protocol": PROTOCOL, "model": scorer.name, "version": scorer.version, "unit": unit})

        def do_POST(self):
            length = int(self.headers.get("content-length") or 0)
            if self.path != "/score" or not 0 < length <= MAX_BODY:
                self.close_connection = True
                return self.answer(404 if self.path != "/score" else 413, {"error": "POST /score, at most 256 MiB"})
            try:
                keywords, images = parse_request(self.rfile.read(length))
                self.answer(200, {"scores": scorer.score(keywords, images)})
            except BadRequest as error:
                self.answer(400, {"error": str(error)})
            except Exception as error:  # the client is told, the server lives on
                self.answer(500, {"error": f"{type(error).__name__}: {error}"})

        def log_message(self, *_):
            pass

    return Handler


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="Salesforce/blip2-itm-vit-g", help="hub name or folder")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    scorer = Blip2Scorer(options.model, options.device)
    server = ThreadingHTTPServer((options.host, options.port), handler_for(scorer))
    print(f"{PROTOCOL}: {scorer.name} on http://{options.host}:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
